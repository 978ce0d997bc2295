import { matchesModel, modelPatternsOf } from '../model-pattern.ts';
import type { Check } from './check.ts';
import { nameList, quote } from './wording.ts';

export const modelSubscription: Check = {
  name: 'subscription',
  group: 'subscription',
  run({ standing: { application }, facts }) {
    if (facts.model === null || application === null) return 'skipped';
    const subscribed = modelPatternsOf(application.subscribedModels);
    const covered =
      matchesModel(subscribed, facts.model) ||
      (facts.requestedModel !== null && matchesModel(subscribed, facts.requestedModel));
    return covered ? 'pass' : 'not_subscribed';
  },
  detail: ({ standing: { application }, facts }) =>
    `model ${quote(facts.model ?? 'none')}; subscribed: ${nameList(application?.subscribedModels ?? [])}`,
  remedy: ({ facts }) => ({
    wouldPassIf: 'the application were subscribed to the model',
    who: 'workspace admin',
    fix: { kind: 'subscribe', to: 'model', name: facts.model ?? '' },
  }),
};

const service: Check = {
  name: 'service-subscription',
  group: 'subscription',
  run({ standing: { application }, facts }) {
    if (facts.service === null || application === null) return 'skipped';
    return application.subscribedServices.includes(facts.service) ? 'pass' : 'not_subscribed';
  },
  detail: ({ standing: { application }, facts }) =>
    `service ${quote(facts.service ?? 'none')}; subscribed: ${nameList(application?.subscribedServices ?? [])}`,
  remedy: ({ facts }) => ({
    wouldPassIf: 'the application were subscribed to the service',
    who: 'workspace admin',
    fix: { kind: 'subscribe', to: 'service', name: facts.service ?? '' },
  }),
};

export const subscriptionChecks: readonly Check[] = [modelSubscription, service];
