import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OperationInput, OperationOutput } from '../../src/client/client.ts';
import { createTriggerSink } from '../../src/admin/responses/raise-trigger.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { failedCall } from './failed-calls.ts';
import { refusal } from './refusals.ts';

const HOUR_MS = 3_600_000;

type RuleBody = OperationInput<'response-rules.create'>['body'];
type Rule = OperationOutput<'response-rules.create'>;

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
  for (const { id } of (await admin.client.call('response-rules.list')).items) {
    await admin.client.call('response-rules.delete', { params: { id } });
  }
});
afterEach(() => admin.dispose());

const createKey = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });
const show = (kid: string) => admin.client.call('keys.get', { params: { kid } });
const responses = async (query: object = {}) => (await admin.client.call('responses.list', { query })).items;
const only = async () => (await responses())[0]?.id ?? '';
const undo = (id: string) => admin.client.call('responses.undo', { params: { id }, body: { reason: 'false alarm' } });
const alerts = async (query: object) => (await admin.client.call('alerts.list', { query })).items;

function createRule(body: Partial<RuleBody> = {}): Promise<Rule> {
  const rule: RuleBody = { name: 'test rule', state: 'active', when: { kind: 'leak' }, actions: [{ kind: 'suspend' }] };
  return admin.client.call('response-rules.create', { body: { ...rule, ...body } });
}

const leak = (kid: string, ruleIds?: readonly string[]) =>
  createTriggerSink(admin.deps).raiseTrigger({
    kind: 'leak',
    workspaceId: admin.workspaceId,
    subject: { kind: 'key', kid },
    evidence: 'a scanner found it in public',
    ...(ruleIds === undefined ? {} : { ruleIds }),
  });

const LOWER = {
  kind: 'lower-limits',
  requestsPerMinute: 10,
  concurrency: 2,
  budget: { usd: 1, period: 'day' },
} as const;

describe('undoing', () => {
  test('resumes the key on every worker, says who did it, and ends the alert', async () => {
    await createRule({ actions: [{ kind: 'suspend' }, { kind: 'notify' }] });
    const { kid } = await createKey();
    await leak(kid);
    admin.fleet.asked.length = 0;
    expect(await undo(await only())).toMatchObject({
      state: 'undone',
      endedBy: 'token:test',
      endedReason: 'false alarm',
    });
    expect(await show(kid)).toMatchObject({ state: 'active', suspension: null, stateReason: null });
    expect(admin.fleet.asked).toEqual([kid]);
    expect(await alerts({ kind: 'rule_leak' })).toMatchObject([{ state: 'resolved' }]);
    const [entry] = (
      await admin.client.call('audit-events.list', { query: { targetId: kid, action: 'responses.undo' } })
    ).items;
    expect(entry).toMatchObject({ actor: 'token:test', before: { state: 'suspended' }, after: { state: 'active' } });
  });

  test('gives back exactly the limits that were lowered', async () => {
    await createRule({ actions: [LOWER] });
    const limits = { requestsPerMinute: 500, concurrency: null, budgets: [{ usd: 100, period: 'month' }] } as const;
    const { kid } = await createKey({ limits });
    const before = (await show(kid)).limits;
    await leak(kid);
    expect((await show(kid)).limits).toMatchObject({
      requestsPerMinute: 10,
      concurrency: 2,
      budgets: [
        { usd: 100, period: 'month' },
        { usd: 1, period: 'day' },
      ],
    });
    await undo(await only());
    expect((await show(kid)).limits).toEqual(before);
  });

  test('is refused once somebody changed what the rule had set, and only then', async () => {
    await createRule({ actions: [LOWER] });
    const { kid } = await createKey();
    await leak(kid);
    await admin.client.call('keys.update', { params: { kid }, body: { name: 'another name' } });
    await admin.client.call('keys.update', { params: { kid }, body: { limits: { requestsPerMinute: 50 } } });
    const refused = await refusal(undo(await only()));
    expect([refused.status, refused.message]).toEqual([409, expect.stringContaining('was changed since')]);
    await admin.client.call('keys.update', { params: { kid }, body: { limits: { requestsPerMinute: 10 } } });
    expect((await undo(await only())).state).toBe('undone');
  });

  test('of two rules, in either order, leaves what the other one set, and at last what was there first', async () => {
    const rules = [
      await createRule({ actions: [{ kind: 'lower-limits', requestsPerMinute: 50 }] }),
      await createRule({ actions: [{ kind: 'lower-limits', requestsPerMinute: 10 }] }),
    ].map(({ id }) => id);
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { kid } = await createKey({ limits: { requestsPerMinute: 100 } });
      await leak(kid, [rules[0] ?? '']);
      // Lists are in the order of time.
      admin.clock.nowMs += 1;
      await leak(kid, [rules[1] ?? '']);
      const made = (await responses({ subjectId: kid })).toReversed();
      await undo(made[order[0] ?? 0]?.id ?? '');
      expect((await show(kid)).limits.requestsPerMinute).toBe(order[0] === 0 ? 10 : 50);
      await undo(made[order[1] ?? 0]?.id ?? '');
      expect((await show(kid)).limits.requestsPerMinute).toBe(100);
    }
  });

  test('a person who resumed the key has decided: the rule leaves it alone until its cooldown is over', async () => {
    await createRule({ cooldown: '1h' });
    const { kid } = await createKey();
    await leak(kid);
    await admin.client.call('keys.resume', { params: { kid } });
    admin.clock.nowMs += 2 * HOUR_MS;
    await admin.runJobs();
    expect(await responses()).toMatchObject([{ state: 'superseded' }]);
    await leak(kid);
    expect((await show(kid)).state).toBe('active');
    admin.clock.nowMs += 2 * HOUR_MS;
    await leak(kid);
    expect((await show(kid)).state).toBe('suspended');
  });
});

describe('a response that ends by itself', () => {
  test('is undone at its time, and not before', async () => {
    await createRule({ actions: [{ kind: 'suspend' }, LOWER], undoAfter: '1h' });
    const { kid } = await createKey({ limits: { requestsPerMinute: 100 } });
    await leak(kid);
    admin.clock.nowMs += HOUR_MS - 1000;
    await admin.runJobs();
    expect((await show(kid)).state).toBe('suspended');
    admin.clock.nowMs += 16_000;
    await admin.runJobs();
    expect(await show(kid)).toMatchObject({ state: 'active', limits: { requestsPerMinute: 100, budgets: null } });
    expect(await responses()).toMatchObject([{ state: 'expired', endedBy: 'system:responses' }]);
  });

  test('takes back only what still is as the rule made it', async () => {
    await createRule({ actions: [{ kind: 'suspend' }, LOWER], undoAfter: '1h' });
    const { kid } = await createKey({ limits: { requestsPerMinute: 100 } });
    await leak(kid);
    await admin.client.call('keys.update', { params: { kid }, body: { limits: { requestsPerMinute: 7 } } });
    admin.clock.nowMs += 2 * HOUR_MS;
    await admin.runJobs();
    expect(await show(kid)).toMatchObject({ state: 'active', limits: { requestsPerMinute: 7 } });
  });
});

describe('a response that not every worker has', () => {
  test('is pending until they all have it', async () => {
    await createRule();
    const { kid } = await createKey();
    admin.fleet.answer = 'incomplete';
    await leak(kid);
    expect(await responses()).toMatchObject([{ state: 'pending', inForceAt: null }]);
    await admin.runJobs();
    expect(await responses()).toMatchObject([{ state: 'pending' }]);
    admin.fleet.answer = 'complete';
    admin.clock.nowMs += 20_000;
    await admin.runJobs();
    expect(await responses()).toMatchObject([{ state: 'in-force' }]);
  });
});

describe('a rule', () => {
  test('that would do more in an hour than it may stops, tells, and goes on when a person sets it going', async () => {
    const rule = await createRule({ limitPerHour: 3 });
    const keys = await Promise.all(Array.from({ length: 6 }, () => createKey()));
    for (const { kid } of keys) await leak(kid);
    const suspended = (await Promise.all(keys.map(({ kid }) => show(kid)))).filter(
      ({ state }) => state === 'suspended',
    );
    expect(suspended).toHaveLength(3);
    expect((await admin.client.call('response-rules.get', { params: { id: rule.id } })).state).toBe('halted');
    expect(await alerts({ kind: 'response_rule_halted' })).toMatchObject([{ severity: 'critical', state: 'open' }]);
    admin.clock.nowMs += 1000;
    await admin.client.call('response-rules.update', { params: { id: rule.id }, body: { state: 'active' } });
    expect(await alerts({ kind: 'response_rule_halted' })).toMatchObject([{ state: 'resolved' }]);
    await leak(keys[5]?.kid ?? '');
    expect(await responses()).toHaveLength(4);
  });

  test('in dry run writes down what it would do, and does and tells nothing', async () => {
    await createRule({ state: 'dry-run', actions: [{ kind: 'suspend' }, LOWER, { kind: 'notify' }] });
    const { kid, revision } = await createKey();
    admin.fleet.asked.length = 0;
    await leak(kid);
    expect(await show(kid)).toMatchObject({ state: 'active', revision });
    expect(await responses()).toMatchObject([
      { state: 'dry-run', actions: [{ kind: 'suspend' }, { kind: 'lower-limits' }, { kind: 'notify' }] },
    ]);
    expect([admin.fleet.asked, await alerts({})]).toEqual([[], []]);
    const entries = (await admin.client.call('audit-events.list', { query: { targetId: kid } })).items;
    expect(entries.map(({ action }) => action)).toEqual(['keys.create']);
  });

  test('can be previewed, which does nothing', async () => {
    const rule = await createRule({ when: { kind: 'policy_violation', violations: ['no-expiry'] }, limitPerHour: 1 });
    const { kid } = await createKey();
    await createKey({ expiresIn: '10d' });
    const preview = await admin.client.call('response-rules.preview', { params: { id: rule.id } });
    // The first key of the workspace never expires either.
    expect(preview).toMatchObject({ matched: 2, complete: true, wouldHalt: true });
    expect(preview.items.find((item) => item.kid === kid)?.actions).toEqual(['suspended until it is resumed']);
    expect((await show(kid)).state).toBe('active');
    expect(await responses()).toEqual([]);
  });

  test('can be previewed over the calls of its time', async () => {
    const when = { kind: 'repeated_failures', per: 'key', count: 3, within: '10m' } as const;
    const rule = await createRule({ when });
    await admin.client.call('response-rules.update', { params: { id: rule.id }, body: { state: 'disabled' } });
    const { kid } = await createKey();
    await admin.calls.write(Array.from({ length: 3 }, () => failedCall(admin, { kid })));
    const preview = await admin.client.call('response-rules.preview', { params: { id: rule.id } });
    expect(preview.items.map((item) => item.kid)).toEqual([kid]);
  });

  test('whose actions contradict one another is refused', async () => {
    for (const actions of [
      [{ kind: 'suspend' }, { kind: 'revoke' }],
      [{ kind: 'notify' }, { kind: 'notify' }],
      [{ kind: 'lower-limits' }],
    ]) {
      const body = { name: 'r', when: { kind: 'leak' }, actions };
      expect((await admin.send('POST', '/api/v1/response-rules', { body })).status).toBe(422);
    }
  });
});

test('a new workspace begins with rules of which only a leak stops a key', async () => {
  const fresh = await createAdminFixture();
  const rules = (await fresh.client.call('response-rules.list')).items;
  const stopping = rules.filter(
    ({ state, actions }) => state === 'active' && actions.some(({ kind }) => kind !== 'notify'),
  );
  expect(rules.length).toBeGreaterThan(3);
  expect(stopping.map(({ when }) => when.kind)).toEqual(['leak']);
  await fresh.dispose();
});
