/** Every trigger with every action, through the one door that detectors use. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperationInput } from '../../src/client/client.ts';
import { createTriggerSink } from '../../src/admin/responses/raise-trigger.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { fail } from './failed-calls.ts';

type RuleBody = OperationInput<'response-rules.create'>['body'];

let admin: AdminFixture;
beforeAll(async () => {
  admin = await createAdminFixture();
  for (const { id } of (await admin.client.call('response-rules.list')).items) {
    await admin.client.call('response-rules.delete', { params: { id } });
  }
});
afterAll(() => admin.dispose());

const TRIGGERS: readonly RuleBody['when'][] = [
  { kind: 'repeated_failures', count: 5, within: '1m' },
  { kind: 'dead_key_use', count: 5, within: '1m' },
  { kind: 'owner_disabled' },
  { kind: 'idle', after: '24h' },
  { kind: 'budget', percent: 100 },
  { kind: 'pool', state: 'full' },
  { kind: 'leak' },
  { kind: 'policy_violation', violations: ['too-old'] },
];

interface Row {
  readonly action: RuleBody['actions'][number];
  readonly audited: string;
  readonly changed: object;
  readonly response: 'in-force' | 'done';
}

const ACTIONS: readonly Row[] = [
  { action: { kind: 'notify' }, audited: 'responses.notify', changed: { state: 'active' }, response: 'done' },
  {
    action: { kind: 'lower-limits', requestsPerMinute: 1, concurrency: 1 },
    audited: 'keys.update',
    changed: { state: 'active', limits: { requestsPerMinute: 1, concurrency: 1 } },
    response: 'in-force',
  },
  {
    action: { kind: 'suspend' },
    audited: 'keys.suspend',
    changed: { state: 'suspended', suspension: { automatic: true } },
    response: 'in-force',
  },
  { action: { kind: 'revoke' }, audited: 'keys.revoke', changed: { state: 'revoked' }, response: 'done' },
  {
    action: { kind: 'mark-compromised' },
    audited: 'keys.revoke',
    changed: { state: 'compromised' },
    response: 'done',
  },
  {
    action: { kind: 'rotate', delivery: 'reveal-link' },
    audited: 'keys.rotate',
    changed: { state: 'active', secretVersions: [{ generation: 2 }, { generation: 1 }] },
    response: 'done',
  },
];

const show = (kid: string) => admin.client.call('keys.get', { params: { kid } });

describe.each(ACTIONS)('$action.kind', ({ action, audited, changed, response }) => {
  test.each(TRIGGERS)('by $kind: done, told by whom and why, and undone where it can be', async (when) => {
    const rule = await admin.client.call('response-rules.create', {
      body: { name: `${when.kind} ${action.kind}`, state: 'active', when, actions: [action] },
    });
    const key = await admin.client.call('keys.create', { body: { name: 'k', limits: { requestsPerMinute: 60 } } });
    const [made] = await createTriggerSink(admin.deps).raiseTrigger({
      kind: when.kind,
      workspaceId: admin.workspaceId,
      subject: { kind: 'key', kid: key.kid },
      evidence: 'something was seen',
      ruleIds: [rule.id],
    });
    expect(made?.state).toBe(response);
    expect(await show(key.kid)).toMatchObject(changed);
    const query = { targetId: key.kid, actor: `rule:${rule.id}` };
    const { items } = await admin.client.call('audit-events.list', { query });
    expect(items).toMatchObject([
      { action: audited, targetKind: 'key', reason: `rule "${rule.name}" (${rule.id}): something was seen` },
    ]);
    const undone = admin.client.call('responses.undo', { params: { id: made?.id ?? '' } });
    if (response === 'done') {
      await expect(undone).rejects.toMatchObject({ status: 409 });
      return;
    }
    expect(await undone).toMatchObject({ state: 'undone' });
    expect(await show(key.kid)).toMatchObject({ state: 'active', limits: key.limits });
  });
});

test('failures that name a key of another workspace concern the rules of that one only', async () => {
  const other = await admin.client.call('workspaces.create', { body: { name: 'Other' } });
  const headers = { 'x-keyward-workspace': other.id };
  const send = async (path: string, body: object) =>
    (await (await admin.send('POST', `/api/v1${path}`, { body, headers })).json()) as { readonly kid: string };
  const { kid } = await send('/keys', { name: 'theirs' });
  const rule = { when: { kind: 'repeated_failures', count: 3, within: '1m' }, actions: [{ kind: 'suspend' }] };
  await admin.send('POST', '/api/v1/response-rules', { body: { name: 'ours', state: 'active', ...rule } });
  await fail(admin, 10, { kid });
  expect((await admin.store.workspace(other.id).keys.get(kid))?.state).toBe('active');
  await send('/response-rules', { name: 'theirs', state: 'active', ...rule });
  await fail(admin, 3, { kid });
  expect((await admin.store.workspace(other.id).keys.get(kid))?.state).toBe('suspended');
  const ours = await admin.client.call('responses.list', { query: { subjectId: kid } });
  expect(ours.items).toEqual([]);
});
