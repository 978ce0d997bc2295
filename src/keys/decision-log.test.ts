import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decisionInputs } from '../../test/decision-arbitrary.ts';
import { explain, findWayOut } from './decide.ts';
import { DECISION_BYTES_MAX, readDecision, writeDecision } from './decision-log.ts';
import type { DecisionInput } from './decision-input.ts';
import { generateKey } from './format.ts';
import { SECRET, applicationState, keyRecord, workspaceState } from './key-fixture.ts';
import { NO_FACTS } from './decision-input.ts';
import { prepareKey } from './prepare.ts';
import { levelOf, standingOf } from './standing.ts';
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import type { KeyRecord } from './key-record.ts';

function readBack(json: string): { readonly input: DecisionInput; readonly whole: boolean } {
  const read = readDecision(json);
  if (!read.ok) throw new Error(read.reason);
  return read;
}

function inputWith(record: Partial<KeyRecord>, rest: Partial<DecisionInput> = {}): DecisionInput {
  const standing = standingOf(prepareKey(keyRecord(record)), [], workspaceState());
  const base = { expectedEnvironment: null, delegation: null, limits: null, nowMs: 1000 };
  return { standing, matchedSecret: SECRET, facts: NO_FACTS, ...base, ...rest };
}

test('a decision that is read back is explained word for word as before, with the same way out', () => {
  fc.assert(
    fc.property(decisionInputs, (input) => {
      const { input: read, whole } = readBack(writeDecision(input));
      expect(whole).toBe(true);
      expect(explain(read)).toEqual(explain(input));
      expect(findWayOut(read)).toEqual(findWayOut(input));
    }),
    { numRuns: 2000 },
  );
});

test('so is one of a key with constraints that cannot be understood, and of a token that was signed offline', () => {
  const foreign = JSON.parse(
    JSON.stringify({ state: 'asleep', scopes: { moons: null, models: 'openai/*' }, limits: { uses: 0 } }),
  ) as Partial<KeyRecord>;
  const strange = inputWith(foreign);
  expect(explain(readBack(writeDecision(strange)).input)).toEqual(explain(strange));

  const { standing, ...rest } = inputWith({});
  const front = levelOf('delegated', 'abcdefghijkl', {
    scopes: { ...NO_SCOPES, tools: [] },
    scopesSetAtMs: 7,
    limits: NO_LIMITS,
  });
  const signed: DecisionInput = {
    ...rest,
    standing: { ...standing, levels: [front, ...standing.levels] },
    delegation: { code: 'delegation_expired', detail: 'expired', expiresAtMs: 5 },
    facts: { ...NO_FACTS, tool: 'search' },
  };
  expect(explain(signed).code).toBe('delegation_expired');
  expect(explain(readBack(writeDecision(signed)).input)).toEqual(explain(signed));
});

test('it holds no hash, no key that was sent by mistake, and nothing of the workspace that the key does not stand on', () => {
  const key = generateKey({ type: 'kwk', environment: 'live' });
  const workspace = workspaceState({
    applications: { app_1: applicationState(), app_2: applicationState({ id: 'app_2' }) },
    people: { per_9: { id: 'per_9', state: 'active' } },
  });
  const standing = standingOf(prepareKey(keyRecord()), [], workspace);
  const facts = { ...NO_FACTS, path: `/v1/${key.text}`, session: `kwd_${key.kid}_eyJhbGciOi.eyJ-_x.y` };
  const json = writeDecision({ ...inputWith({}), standing, facts });
  for (const absent of [SECRET.hash, key.secret, 'eyJ', 'app_2', 'per_9']) expect(json).not.toContain(absent);
  const { input, whole } = readBack(json);
  expect(input.facts.path).toBe(`/v1/${key.fingerprint}`);
  expect(whole).toBe(false);
});

test('what is too long is cut, stays below its bound, and says that it cannot be repeated', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 400, max: 500 }),
      fc.string({ minLength: 100, maxLength: 240, unit: 'grapheme' }),
      (entries, text) => {
        const models = Array.from({ length: entries }, (_, i) => `openai/${i}-${'x'.repeat(200)}`);
        const facts = { ...NO_FACTS, path: `/${text.repeat(200)}`, model: 'openai/gpt' };
        const json = writeDecision(inputWith({ scopes: { ...NO_SCOPES, models, services: models } }, { facts }));
        expect(Buffer.byteLength(json)).toBeLessThanOrEqual(DECISION_BYTES_MAX);
        const { whole, input } = readBack(json);
        expect(whole).toBe(false);
        expect(input.facts.model).toBe('openai/gpt');
      },
    ),
    { numRuns: 30 },
  );
});

test.each(['', '{', 'null', '{"v":2}', '{"v":1}', '{"v":1,"key":{}}'])('%j cannot be read, and says why', (json) => {
  expect(readDecision(json)).toMatchObject({ ok: false, reason: expect.any(String) as string });
});
