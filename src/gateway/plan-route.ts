import { mayCallModel } from '../keys/checks/index.ts';
import { inputFor } from '../keys/led-input.ts';
import { ROUTE_DEFAULTS } from '../config/compile-aliases.ts';
import type { AliasSnapshot, RouteTimeouts } from '../config/snapshot.ts';
import type { Price } from '../llm/price.ts';
import type { BalanceTarget } from '../routing/balance.ts';
import { holds } from '../routing/condition.ts';
import type { CallFacts } from '../routing/condition.ts';
import { conversationOf } from '../routing/conversation.ts';
import { affinityOf } from '../routing/rendezvous.ts';
import type { RetryPolicy } from '../routing/retry.ts';
import type { TargetLoad } from '../routing/target-load.ts';
import { decisionInput } from './admit.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { headerValue } from './header-text.ts';
import { estimatedInputTokens, leavesModelOpen } from './metering.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { ModelRoute, PassthroughRoute } from './routes.ts';
import { standingFor } from './standing.ts';
import { passthroughTarget, resolveModel } from './targets.ts';
import type { Candidate, ResolvedModel, Target } from './targets.ts';

/** Where a call may go, in the order in which it is tried, and how far it is pursued. */
export interface RoutePlan {
  readonly stops: readonly Stop[];
  readonly policy: RetryPolicy;
  readonly timeouts: RouteTimeouts;
  readonly hedgeAfterMs: number | null;
  readonly affinity: number | null;
}

export interface Stop {
  readonly target: Target;
  /** Null where no alias compares targets. */
  readonly load: TargetLoad | null;
}

/** What the caller's model name stands for. Told apart from the verdict: a denied key does not learn what exists. */
export function planRoute(gateway: Gateway, call: Call, route: ModelRoute | PassthroughRoute): RoutePlan | Refusal {
  const { workspace, requestedModel } = call;
  if (workspace === null) return refusal('workspace_disabled');
  if (route.kind === 'passthrough') {
    const dialect = call.reading === null ? null : call.dialect;
    const target = passthroughTarget(workspace, route.providerId, dialect, passthroughModel(call));
    return 'code' in target ? target : passthroughPlan(call, target);
  }
  if (requestedModel === null) return refusal('model_missing');
  const resolved = resolveModel(workspace, call.dialect, requestedModel, route.operation);
  if ('code' in resolved.target) return resolved.target;
  const { alias, target } = resolved;
  if (alias === null)
    return modelPlan(call, [{ target, load: null }], ROUTE_DEFAULTS, credentialAffinity(call, target));
  const affinity = affinityFor(call, alias.affinity);
  const stops = aliasStops(gateway, call, resolved, alias, affinity);
  return 'code' in stops ? stops : modelPlan(call, stops, alias, affinity);
}

/** Whether the name that the call uses may lead it to the model: also to what that one has answered before. */
export function mayLeadTo(gateway: Gateway, call: Call, { operation }: ModelRoute, model: string): boolean {
  const { workspace, requestedModel, dialect } = call;
  if (workspace === null || requestedModel === null) return false;
  const { alias, candidates } = resolveModel(workspace, dialect, requestedModel, operation);
  const named = candidates.filter(({ name }) => name === model);
  return fittingOf(gateway, call, named, alias).length > 0;
}

function passthroughModel(call: Call): string | null {
  if (call.reading === null || call.requestedModel === null || leavesModelOpen(call.reading)) return null;
  return call.requestedModel.slice(call.requestedModel.indexOf('/') + 1);
}

/** Of a provider's own API nobody here knows what may be done twice: only what it has not let in is sent again. */
function passthroughPlan(call: Call, target: Target): RoutePlan {
  return {
    stops: [{ target, load: null }],
    policy: { attemptsMax: ROUTE_DEFAULTS.attemptsMax, retries: 0, fallback: [], deadlineMs: null },
    timeouts: ROUTE_DEFAULTS.timeouts,
    hedgeAfterMs: null,
    affinity: credentialAffinity(call, target),
  };
}

function modelPlan(
  call: Call,
  stops: readonly Stop[],
  route: Omit<AliasSnapshot, 'targets'>,
  affinity: number | null,
): RoutePlan {
  const { attemptsMax, fallback, timeouts, hedgeAfterMs } = route;
  const retries = route.retries ?? call.config.settings.retries;
  return {
    stops,
    policy: { attemptsMax, retries, fallback, deadlineMs: timeouts.totalMs },
    timeouts,
    hedgeAfterMs,
    affinity,
  };
}

/** Nothing to look for where there is nothing to choose. */
function credentialAffinity(call: Call, { provider }: Target): number | null {
  return provider.snapshot.credentials.length > 1 ? affinityFor(call, 'session') : null;
}

/** Conversations of different applications have nothing to do with each other, whatever they call them. */
function affinityFor(call: Call, mode: AliasSnapshot['affinity']): number | null {
  if (mode === 'off') return null;
  const { session } = call.head ?? { session: null };
  const conversation = conversationOf({ session, body: call.body, byFirstTurns: mode === 'conversation' });
  return conversation === null ? null : affinityOf(`${call.key?.prepared.record.applicationId ?? ''} ${conversation}`);
}

/** Those that are for this call, in the alias's order; what is out of order now comes last. */
function aliasStops(
  gateway: Gateway,
  call: Call,
  { candidates }: ResolvedModel,
  alias: AliasSnapshot,
  affinity: number | null,
): readonly Stop[] | Refusal {
  const balancer = gateway.routing.balancer(alias, () => balanceTargets(alias, candidates));
  const fitting = fittingOf(gateway, call, candidates, alias);
  if (fitting.length === 0) return NONE_FITS;
  const order = balancer.order({
    eligible: fitting.map(({ index }) => index),
    nowMs: gateway.clock.now(),
    affinity,
    random: gateway.routing.random,
  });
  const stops = order.flatMap((index): Stop[] => {
    const target = fitting.find((candidate) => candidate.index === index)?.target;
    return target === undefined ? [] : [{ target, load: balancer.loads[index] ?? null }];
  });
  if (stops.length === 1) return stops;
  const inOrder = stops.map(({ target }) => isInOrder(gateway, call, target));
  return [...stops.filter((_, i) => inOrder[i] === true), ...stops.filter((_, i) => inOrder[i] !== true)];
}

const NONE_FITS = refusal('model_not_found', {
  message:
    'This name stands for several models, none of which is for a call like this one. Ask an admin for which calls they are.',
});

function balanceTargets(alias: AliasSnapshot, candidates: readonly Candidate[]): readonly BalanceTarget[] {
  const costs = new Map(
    candidates.map(({ index, target: { price } }) => [index, price === null ? null : rankOf(price)]),
  );
  return alias.targets.map(({ model, priority, weight }, index) => ({
    name: model,
    priority,
    weight,
    cost: costs.get(index) ?? null,
  }));
}

/** By tokens, or by what else models of one kind are sold by: a price is compared with others of its kind. */
function rankOf(price: Price): number {
  const { input, output, perSearchUnit = 0, perMillionCharacters = 0, perAudioHour = 0 } = price;
  return input + output + perSearchUnit + perMillionCharacters + perAudioHour;
}

/** Those that the alias has for a call like this one, and that its key may call. */
function fittingOf(
  gateway: Gateway,
  call: Call,
  candidates: readonly Candidate[],
  alias: AliasSnapshot | null,
): readonly Candidate[] {
  const facts = factsOf(call);
  return candidates.filter(
    (candidate) => holds(alias?.targets[candidate.index]?.when ?? null, facts) && mayGoTo(gateway, call, candidate),
  );
}

/** The verdict spoke of the alias and one of its targets: another one must be within the key's reach, too. */
function mayGoTo(gateway: Gateway, call: Call, candidate: Candidate): boolean {
  const { key } = call;
  const isJudged = candidate.name === call.judgedModel;
  if (isJudged && candidate.target.price !== null) return true;
  if (key === null) return false;
  const { asksPrice, standing } = standingFor(gateway, call, key);
  // A budget holds for each target: that another one has a price is no price of this one.
  if (asksPrice && candidate.target.price === null) return false;
  return isJudged || mayCallModel(inputFor(decisionInput(call, standing, gateway.clock.now()), candidate));
}

/** Whether an attempt now has a chance: the endpoint answers, and a credential is there. */
export function isInOrder(gateway: Gateway, call: Call, { provider, endpoint, model }: Target): boolean {
  const nowMs = gateway.clock.now();
  if (gateway.routing.endpoint(endpoint).breaker.peek(nowMs) === 'open') return false;
  const { pool } = gateway.routing.pool(call.workspace?.snapshot.id ?? '', provider);
  return pool.members.length === 0 || pool.hasOther({ model, nowMs });
}

function factsOf(call: Call): CallFacts {
  const record = call.key?.prepared.record;
  return {
    tags: call.tags,
    header: (name) => headerValue(call.inbound.headers, name),
    keyId: record?.kid ?? null,
    applicationId: record?.applicationId ?? null,
    promptTokens: estimatedInputTokens(call),
    stream: call.stream,
  };
}
