import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decisionInputs } from '../../test/decision-arbitrary.ts';
import { decide } from './decide.ts';
import type { DecisionInput } from './decision-input.ts';
import { applicationState, keyRecord, workspaceState } from './key-fixture.ts';
import { NO_SCOPES } from './constraints.ts';
import type { Scopes } from './constraints.ts';
import { prepareKey } from './prepare.ts';
import type { KnownModel } from './reach.ts';
import { refusalOfAnyCall } from './reach.ts';
import { standingOf } from './standing.ts';

function namedBy({ facts }: DecisionInput): readonly KnownModel[] {
  const { model, requestedModel, modelSinceMs, requestedModelSinceMs } = facts;
  if (model === null) return [];
  return [
    { requested: requestedModel ?? model, model, modelSinceMs, requestedSinceMs: requestedModelSinceMs },
    { requested: model, model, modelSinceMs, requestedSinceMs: modelSinceMs },
  ];
}

test('a key that any call passes with is not taken for one that stands still', () => {
  let passed = 0;
  fc.assert(
    fc.property(decisionInputs, (input) => {
      // Calls of the gateway have both.
      if (input.facts.model === null || input.facts.operation === null || !decide(input).allowed) return;
      passed += 1;
      expect(refusalOfAnyCall(input.standing, namedBy(input), input.nowMs)).toBeNull();
    }),
    { numRuns: 10_000 },
  );
  expect(passed).toBeGreaterThan(30);
});

test('a key whose life, owners or application refuse it stands still with the code that its calls get', () => {
  let refused = 0;
  fc.assert(
    fc.property(decisionInputs, (input) => {
      const first = decide({ ...input, expectedEnvironment: null, limits: null }).trace?.failed[0];
      if (first === undefined || (first.group !== 'life-cycle' && first.group !== 'owner')) return;
      if (first.name === 'secret-overlap') return;
      refused += 1;
      expect(refusalOfAnyCall(input.standing, namedBy(input), input.nowMs)).toBe(first.code);
    }),
    { numRuns: 3_000 },
  );
  expect(refused).toBeGreaterThan(100);
});

const narrowed = (own: Partial<Scopes>, above: Partial<Scopes>) => {
  const application = applicationState({ scopes: { ...NO_SCOPES, ...above }, subscribedModels: ['house/*'] });
  const key = prepareKey(keyRecord({ scopes: { ...NO_SCOPES, ...own } }));
  return refusalOfAnyCall(standingOf(key, [], workspaceState({ applications: { app_1: application } })), [], 0);
};

test.each<[string | null, Partial<Scopes>, Partial<Scopes>]>([
  [null, { addresses: ['10.0.0.0/8'] }, { addresses: ['192.0.2.0/24', '10.1.0.0/16'] }],
  ['address_denied', { addresses: ['10.0.0.0/8'] }, { addresses: ['192.0.2.0/24'] }],
  [null, { endpoints: ['GET *'] }, { endpoints: ['* /v1/models'] }],
  ['endpoint_denied', { endpoints: ['POST /v1/chat/*'] }, { endpoints: ['POST /v1/embeddings'] }],
  [null, { operations: ['chat', 'embeddings'] }, { operations: ['embeddings'] }],
  ['operation_denied', { operations: ['chat'] }, { operations: ['embeddings'] }],
  [null, { countries: ['DE', 'FR'] }, { countries: ['FR'] }],
  ['country_denied', { countries: ['DE'] }, { countries: ['FR'] }],
  [null, { models: ['house/tiny'] }, {}],
  ['model_denied', { models: ['openai/gpt'] }, {}],
  ['model_denied', { models: [] }, {}],
  [null, { timeWindows: [] }, {}],
])('what every level allows together is found: %s with %j inside of %j', (code, own, above) => {
  expect(narrowed(own, above)).toBe(code);
});
