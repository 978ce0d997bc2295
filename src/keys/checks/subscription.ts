import type { ErrorCode } from '../../errors.ts';
import { matchesModel, modelPatternsOf } from '../model-pattern.ts';
import type { RequestFacts } from '../decision-input.ts';
import type { ApplicationState, SubscriptionState } from '../owners.ts';
import type { Check, CheckOutcome, Remedy } from './check.ts';
import { nameList, quote } from './wording.ts';

const NONE: readonly SubscriptionState[] = [];

const CODES: Readonly<Record<Exclude<SubscriptionState['state'], 'approved'>, ErrorCode>> = {
  pending: 'subscription_pending',
  rejected: 'subscription_rejected',
  ended: 'subscription_ended',
};

type Covers = (subscription: SubscriptionState, facts: RequestFacts) => boolean;

const coversModel: Covers = ({ kind, names }, { model, requestedModel }) => {
  if (kind !== 'model' || model === null) return false;
  const patterns = modelPatternsOf(names);
  return matchesModel(patterns, model) || (requestedModel !== null && matchesModel(patterns, requestedModel));
};

const coversService: Covers = ({ kind, names }, { service }) =>
  kind === 'service' && service !== null && names.includes(service);

/** The newest subscription to what is called that is not in force; undefined where there is none. */
function idleOne(application: ApplicationState, covers: Covers, facts: RequestFacts): SubscriptionState | undefined {
  return (application.subscriptions ?? NONE).find((each) => each.state !== 'approved' && covers(each, facts));
}

/** One that is approved is enough; otherwise the newest says why not. Must not allocate. */
function outcomeOf(application: ApplicationState, covers: Covers, facts: RequestFacts): CheckOutcome {
  let code: ErrorCode = 'not_subscribed';
  for (const each of application.subscriptions ?? NONE) {
    if (!covers(each, facts)) continue;
    if (each.state === 'approved') return 'pass';
    // What a newer version of this program may write is not known to allow anything.
    if (code === 'not_subscribed' && Object.hasOwn(CODES, each.state)) code = CODES[each.state];
  }
  return code;
}

function describe(application: ApplicationState | null, list: readonly string[], covers: Covers, facts: RequestFacts) {
  const subscribed = `subscribed: ${nameList(list)}`;
  const found = (application?.subscriptions ?? NONE).find((each) => covers(each, facts));
  return found === undefined ? subscribed : `${subscribed}; the subscription ${found.id} is ${found.state}`;
}

function remedyOf(
  application: ApplicationState | null,
  covers: Covers,
  facts: RequestFacts,
  to: 'model' | 'service',
): Remedy {
  const idle = application === null ? undefined : idleOne(application, covers, facts);
  return idle === undefined
    ? {
        wouldPassIf: `the application were subscribed to the ${to}`,
        who: 'workspace admin',
        fix: { kind: 'subscribe', to, name: facts[to] ?? '' },
      }
    : {
        wouldPassIf: `the subscription ${idle.id} were approved`,
        who: 'workspace admin',
        fix: { kind: 'approve-subscription', id: idle.id },
      };
}

export const modelSubscription: Check = {
  name: 'subscription',
  group: 'subscription',
  run({ standing: { application }, facts }) {
    if (facts.model === null || application === null) return 'skipped';
    const subscribed = modelPatternsOf(application.subscribedModels);
    const covered =
      matchesModel(subscribed, facts.model) ||
      (facts.requestedModel !== null && matchesModel(subscribed, facts.requestedModel));
    return covered ? 'pass' : outcomeOf(application, coversModel, facts);
  },
  detail: ({ standing: { application }, facts }) =>
    `model ${quote(facts.model ?? 'none')}; ${describe(application, application?.subscribedModels ?? [], coversModel, facts)}`,
  remedy: ({ standing: { application }, facts }) => remedyOf(application, coversModel, facts, 'model'),
};

const service: Check = {
  name: 'service-subscription',
  group: 'subscription',
  run({ standing: { application }, facts }) {
    if (facts.service === null || application === null) return 'skipped';
    if (application.subscribedServices.includes(facts.service)) return 'pass';
    return outcomeOf(application, coversService, facts);
  },
  detail: ({ standing: { application }, facts }) =>
    `service ${quote(facts.service ?? 'none')}; ${describe(application, application?.subscribedServices ?? [], coversService, facts)}`,
  remedy: ({ standing: { application }, facts }) => remedyOf(application, coversService, facts, 'service'),
};

export const subscriptionChecks: readonly Check[] = [modelSubscription, service];
