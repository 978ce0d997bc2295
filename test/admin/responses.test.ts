import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OperationInput, OperationOutput } from '../../src/client/client.ts';
import { createTriggerSink } from '../../src/admin/responses/raise-trigger.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { fail } from './failed-calls.ts';
import { refusal } from './refusals.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

type RuleBody = OperationInput<'response-rules.create'>['body'];
type Rule = OperationOutput<'response-rules.create'>;

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
  // Only the rules of a test react in it.
  for (const { id } of (await admin.client.call('response-rules.list')).items) {
    await admin.client.call('response-rules.delete', { params: { id } });
  }
});
afterEach(() => admin.dispose());

const createKey = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });
const show = (kid: string) => admin.client.call('keys.get', { params: { kid } });
const responses = async (query: object = {}) => (await admin.client.call('responses.list', { query })).items;
const undo = (id: string) => admin.client.call('responses.undo', { params: { id } });
const alerts = async (query: object) => (await admin.client.call('alerts.list', { query })).items;
const audited = async (targetId: string) =>
  (await admin.client.call('audit-events.list', { query: { targetId } })).items;
const update = (id: string, body: NonNullable<OperationInput<'response-rules.update'>['body']>) =>
  admin.client.call('response-rules.update', { params: { id }, body });

async function pass(timeMs: number): Promise<void> {
  admin.clock.nowMs += timeMs;
  await admin.runJobs();
}

function createRule(body: Partial<RuleBody> = {}): Promise<Rule> {
  const rule: RuleBody = { name: 'test rule', state: 'active', when: { kind: 'leak' }, actions: [{ kind: 'suspend' }] };
  return admin.client.call('response-rules.create', { body: { ...rule, ...body } });
}

/** What intake of leaks does with a whole key. */
const leak = (kid: string) =>
  createTriggerSink(admin.deps).raiseTrigger({
    kind: 'leak',
    workspaceId: admin.workspaceId,
    subject: { kind: 'key', kid },
    evidence: 'a scanner found it in public',
  });

describe('repeated failures', () => {
  const when = { kind: 'repeated_failures', per: 'key', count: 5, within: '10m' } as const;

  test('suspend a key at the n-th, and not before it, in force on every worker, with the reason', async () => {
    const rule = await createRule({ when, actions: [{ kind: 'suspend' }, { kind: 'notify' }] });
    const { kid } = await createKey();
    await fail(admin, 4, { kid });
    expect((await show(kid)).state).toBe('active');
    admin.fleet.asked.length = 0;
    await fail(admin, 1, { kid });
    expect(await show(kid)).toMatchObject({ state: 'suspended', suspension: { automatic: true, until: null } });
    expect(admin.fleet.asked).toEqual([kid]);
    expect(await responses()).toMatchObject([{ state: 'in-force', subjectId: kid, trigger: 'repeated_failures' }]);
    expect((await audited(kid))[0]).toMatchObject({
      actor: `rule:${rule.id}`,
      action: 'keys.suspend',
      reason: `rule "test rule" (${rule.id}): 5 calls within 600 s named it and did not prove it, the last from 192.0.2.0/24`,
      before: { state: 'active' },
      after: { state: 'suspended' },
    });
    expect(await alerts({ kind: 'rule_repeated_failures' })).toMatchObject([{ subjectId: kid, state: 'open' }]);
  });

  test('that are spread over more than the time do nothing', async () => {
    await createRule({ when });
    const { kid } = await createKey();
    for (let round = 0; round < 10; round += 1) {
      await fail(admin, 1, { kid });
      admin.clock.nowMs += 150_000;
    }
    expect(await responses()).toEqual([]);
    // The fifth within ten minutes.
    await fail(admin, 1, { kid });
    expect(await responses()).toEqual([]);
    await fail(admin, 1, { kid });
    expect(await responses()).toHaveLength(1);
  });

  test('react once however many follow, and again after the cooldown', async () => {
    await createRule({ when, actions: [{ kind: 'notify' }], cooldown: '1h' });
    const { kid } = await createKey();
    await fail(admin, 50, { kid });
    expect(await responses()).toHaveLength(1);
    admin.clock.nowMs += 61 * MINUTE_MS;
    await fail(admin, 4, { kid });
    expect(await responses()).toHaveLength(1);
    await fail(admin, 1, { kid });
    expect(await responses()).toHaveLength(2);
    expect(await alerts({ kind: 'rule_repeated_failures' })).toHaveLength(1);
  });

  test('per network are told, whichever keys of the workspace they named', async () => {
    await createRule({ when: { ...when, per: 'network' }, actions: [{ kind: 'notify' }] });
    const keys = [await createKey(), await createKey()];
    for (const { kid } of keys) await fail(admin, 2, { kid });
    await fail(admin, 4, { kid: keys[0]?.kid ?? '', address: '198.51.100.1' });
    expect(await responses()).toEqual([]);
    await fail(admin, 1, { kid: keys[1]?.kid ?? '', address: '192.0.2.200' });
    expect(await responses()).toMatchObject([{ subjectKind: 'network', subjectId: '192.0.2.0/24', state: 'done' }]);
    const refused = await refusal(createRule({ when: { ...when, per: 'network' }, actions: [{ kind: 'suspend' }] }));
    expect(refused.status).toBe(422);
  });

  test('of keys that do not exist are told once to operators, and concern no key and no rule', async () => {
    await createRule({ when, actions: [{ kind: 'notify' }] });
    for (let call = 0; call < 99; call += 1) await fail(admin, 1, { kid: `made${1e7 + call}`, code: 'unknown_key' });
    expect(await alerts({ kind: 'unknown_keys_tried' })).toEqual([]);
    for (let call = 99; call < 400; call += 1) await fail(admin, 1, { kid: `made${1e7 + call}`, code: 'unknown_key' });
    expect(await alerts({ kind: 'unknown_keys_tried' })).toMatchObject([{ subjectId: '192.0.2.0/24' }]);
    expect(await responses()).toEqual([]);
  });

  test('do nothing by a rule that is disabled', async () => {
    const rule = await createRule({ when });
    await update(rule.id, { state: 'disabled' });
    const { kid } = await createKey();
    await fail(admin, 20, { kid });
    expect(await responses()).toEqual([]);
    expect((await show(kid)).state).toBe('active');
  });

  test('of keys that the rule is not for do nothing', async () => {
    await createRule({ when, selector: { tags: ['prod'], environment: 'live' } });
    const other = await createKey();
    const { kid } = await createKey({ tags: ['prod'] });
    await fail(admin, 5, { kid: other.kid });
    await fail(admin, 5, { kid });
    expect((await responses()).map(({ subjectId }) => subjectId)).toEqual([kid]);
  });
});

describe('a key that has ended and is used still', () => {
  test('marks it as compromised at the n-th call', async () => {
    await createRule({
      when: { kind: 'dead_key_use', count: 3, within: '24h' },
      actions: [{ kind: 'mark-compromised' }, { kind: 'notify' }],
    });
    const { kid } = await createKey();
    await admin.client.call('keys.revoke', { params: { kid } });
    await fail(admin, 2, { kid, code: 'revoked' });
    expect((await show(kid)).state).toBe('revoked');
    await fail(admin, 1, { kid, code: 'revoked' });
    expect((await show(kid)).state).toBe('compromised');
    expect(await responses()).toMatchObject([{ state: 'done', trigger: 'dead_key_use' }]);
  });
});

describe('what is read from what is stored', () => {
  test('an owner who was disabled suspends their keys, and those of their applications, and no others', async () => {
    await createRule({ when: { kind: 'owner_disabled' } });
    const person = await admin.client.call('people.create', { body: { name: 'Ada' } });
    const application = await admin.client.call('applications.create', { body: { name: 'A', ownerId: person.id } });
    const own = await createKey({ ownerId: person.id });
    const beneath = await createKey({ applicationId: application.id });
    const other = await createKey();
    await admin.runJobs();
    expect(await responses()).toEqual([]);
    await admin.client.call('people.update', { params: { id: person.id }, body: { state: 'disabled' } });
    admin.clock.nowMs += 2 * MINUTE_MS;
    await admin.runJobs();
    const states = await Promise.all([own, beneath, other].map(async ({ kid }) => (await show(kid)).state));
    expect(states).toEqual(['suspended', 'suspended', 'active']);
    expect((await responses())[0]?.evidence).toContain('is disabled');
  });

  test('a key that nobody used for so long is revoked', async () => {
    await createRule({ when: { kind: 'idle', after: '240h' }, actions: [{ kind: 'revoke' }] });
    const { kid } = await createKey();
    admin.clock.nowMs += 9 * DAY_MS;
    await admin.runJobs();
    expect((await show(kid)).state).toBe('active');
    admin.clock.nowMs += 2 * DAY_MS;
    await admin.runJobs();
    expect((await show(kid)).state).toBe('revoked');
  });

  test('a budget that a key shares is looked at where the rule says so, and every key beneath meets it', async () => {
    const own = await createRule({ when: { kind: 'budget', percent: 80 }, actions: [{ kind: 'notify' }] });
    const levels = ['application', 'team', 'workspace'] as const;
    const budgets = [{ usd: 1, period: 'total' as const }];
    const team = await admin.client.call('teams.create', { body: { name: 'Blue' } });
    const application = await admin.client.call('applications.create', { body: { name: 'Web', teamId: team.id } });
    const subjects = {
      application: ['applications.update', application.id],
      team: ['teams.update', team.id],
      workspace: ['workspaces.update', admin.workspaceId],
    } as const;
    const keys = [
      await createKey({ applicationId: application.id }),
      await createKey({ applicationId: application.id }),
      await createKey(),
    ];
    const kids = keys.map(({ kid }) => kid);
    for (const level of levels) {
      const rule = await createRule({
        when: { kind: 'budget', percent: 80, levels: [level] },
        actions: [{ kind: 'suspend' }],
      });
      expect(rule.when).toEqual({ kind: 'budget', percent: 80, levels: [level] });
      const [operation, id] = subjects[level];
      await admin.client.call(operation, { params: { id }, body: { limits: { budgets } } });
      await admin.spend(kids[0] ?? '', 790_000_000);
      await pass(MINUTE_MS);
      expect((await show(kids[0] ?? '')).state).toBe('active');
      await admin.spend(kids[0] ?? '', 10_000_000);
      // The key that every installation begins with is one of them.
      const preview = await admin.client.call('response-rules.preview', { params: { id: rule.id } });
      expect(preview.matched).toBe(level === 'workspace' ? 4 : 2);
      await pass(MINUTE_MS);
      const states = await Promise.all(kids.map(async (kid) => (await show(kid)).state));
      expect(states).toEqual(['suspended', 'suspended', level === 'workspace' ? 'suspended' : 'active']);
      expect(await responses({ subjectId: kids[1] ?? '', ruleId: rule.id })).toMatchObject([
        { evidence: `80 % of the budget of its ${level} ${id} of 1 USD (total) is used` },
      ]);
      await admin.client.call('response-rules.delete', { params: { id: rule.id } });
      await admin.client.call(operation, { params: { id }, body: { limits: { budgets: null } } });
      for (const kid of kids) {
        if ((await show(kid)).state !== 'active') await admin.client.call('keys.resume', { params: { kid } });
      }
    }
    expect(await responses({ ruleId: own.id })).toEqual([]);
  });

  test('a budget of which so much is used lowers the limits', async () => {
    await createRule({
      when: { kind: 'budget', percent: 80 },
      actions: [{ kind: 'lower-limits', requestsPerMinute: 5 }],
      undoAfter: '1h',
    });
    const { kid } = await createKey({
      limits: { requestsPerMinute: 100, budgets: [{ usd: 1, period: 'total' }] },
    });
    await admin.spend(kid, 799_000_000);
    await admin.runJobs();
    expect((await show(kid)).limits.requestsPerMinute).toBe(100);
    await admin.spend(kid, 1_000_000);
    admin.clock.nowMs += MINUTE_MS;
    await admin.runJobs();
    expect((await show(kid)).limits.requestsPerMinute).toBe(5);
    expect(await responses()).toMatchObject([
      { state: 'in-force', evidence: '80 % of its budget of 1 USD (total) is used' },
    ]);
  });

  test('a pool of temporary keys that fills is told, and the alert ends when it empties', async () => {
    await createRule({ when: { kind: 'pool', state: 'warning' }, actions: [{ kind: 'notify' }], cooldown: '1m' });
    const { kid } = await createKey();
    await admin.client.call('keys.delegation', { params: { kid }, body: { mintLiveMax: 5 } });
    const mint = () => admin.client.call('keys.mint', { params: { kid }, body: { ttl: '30m' } });
    for (let minted = 0; minted < 3; minted += 1) await mint();
    await admin.runJobs();
    expect(await alerts({ kind: 'rule_pool' })).toEqual([]);
    await mint();
    for (let run = 0; run < 5; run += 1) {
      admin.clock.nowMs += MINUTE_MS;
      await admin.runJobs();
    }
    expect(await alerts({ kind: 'rule_pool' })).toMatchObject([{ subjectId: kid, state: 'open' }]);
    admin.clock.nowMs += 40 * MINUTE_MS;
    await admin.runJobs();
    expect(await alerts({ kind: 'rule_pool' })).toMatchObject([{ state: 'resolved' }]);
  });

  test('a key without an expiry is told where rules ask for one', async () => {
    await createRule({
      when: { kind: 'policy_violation', violations: ['no-expiry'] },
      actions: [{ kind: 'notify' }],
      selector: { tags: ['strict'] },
    });
    await createKey({ tags: ['strict'], expiresIn: '300d' });
    const { kid } = await createKey({ tags: ['strict'] });
    await admin.runJobs();
    expect((await responses()).map(({ subjectId }) => subjectId)).toEqual([kid]);
  });
});

describe('a leak', () => {
  test('revokes, where the rule says so', async () => {
    await createRule({ actions: [{ kind: 'revoke' }] });
    const { kid } = await createKey();
    await leak(kid);
    expect((await show(kid)).state).toBe('revoked');
    const [response] = await responses();
    expect(response?.state).toBe('done');
    expect((await refusal(undo(response?.id ?? ''))).message).toContain('cannot be taken back');
  });

  test('rotates with a link that somebody can fetch the new secret by', async () => {
    await createRule({ actions: [{ kind: 'rotate', overlap: '0s', delivery: 'reveal-link' }] });
    const { kid } = await createKey();
    await leak(kid);
    expect((await show(kid)).secretVersions.map(({ generation, state }) => [generation, state])).toEqual([
      [2, 'current'],
      [1, 'superseded'],
    ]);
    const { revealLink } = await admin.client.call('keys.reveal-link', { params: { kid } });
    expect(revealLink).toContain('/reveal#');
    const withoutDelivery = { kind: 'rotate', overlap: '0s' };
    const body = { name: 'r', when: { kind: 'leak' }, actions: [withoutDelivery] };
    expect((await admin.send('POST', '/api/v1/response-rules', { body })).status).toBe(422);
  });

  test('of a temporary key, which cannot be rotated, is told as a failure and not tried again at once', async () => {
    await createRule({ actions: [{ kind: 'rotate', delivery: 'reveal-link' }] });
    const { kid } = await createKey();
    const temporary = await admin.client.call('keys.mint', { params: { kid } });
    await leak(temporary.kid);
    await leak(temporary.kid);
    expect(await responses()).toMatchObject([{ state: 'failed', subjectId: temporary.kid }]);
    expect(await alerts({ kind: 'response_failed' })).toHaveLength(1);
  });

  test('raised twice at once is answered once', async () => {
    await createRule();
    const { kid } = await createKey();
    await Promise.all([leak(kid), leak(kid), leak(kid)]);
    expect(await responses()).toHaveLength(1);
  });
});

test.each([
  [
    { when: { kind: 'budgets', percent: 80 } },
    'when.kind',
    'must be one of repeated_failures, dead_key_use, owner_disabled, idle, budget, pool, leak, policy_violation',
  ],
  [
    { actions: [{ kind: 'suspend' }, { kind: 'page' }] },
    'actions[1].kind',
    'must be one of notify, lower-limits, suspend, revoke, mark-compromised, rotate',
  ],
  [{ actions: [{}] }, 'actions[0].kind', 'must be one of notify, lower-limits, suspend'],
])('a rule of an unknown kind is refused, and told which there are: %j', async (body, field, message) => {
  const rule = { name: 'r', when: { kind: 'leak' }, actions: [{ kind: 'notify' }], ...body };
  const answer = await admin.send('POST', '/api/v1/response-rules', { body: rule });
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({
    errors: [{ field, message: expect.stringContaining(message) as string }],
  });
});
