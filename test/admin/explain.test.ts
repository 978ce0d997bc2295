import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CallRecord } from '../../src/calls/call-record.ts';
import { writeDecision } from '../../src/keys/decision-log.ts';
import { UNNARROWED } from '../../src/keys/owners.ts';
import { NO_FACTS } from '../../src/keys/decision-input.ts';
import { NO_SCOPES } from '../../src/keys/constraints.ts';
import { keyRecord, SECRET, workspaceState } from '../../src/keys/key-fixture.ts';
import { prepareKey } from '../../src/keys/prepare.ts';
import { standingOf } from '../../src/keys/standing.ts';
import { START_MS, createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture([
    { text: 'reader', principal: { actor: 'token:reader', permissions: new Set(['calls:read'] as const) } },
  ]);
});
afterEach(() => admin.dispose());

const write = (record: Partial<CallRecord> & { readonly requestId: string }) =>
  admin.calls.write([
    callRow(admin.workspaceId, { workspaceId: admin.workspaceId, startedAtMs: START_MS - 5000, ...record }),
  ]);

async function textOf(requestId: string, token?: string): Promise<string> {
  const answer = await admin.send('GET', `/api/v1/explain/${requestId}`, token === undefined ? {} : { token });
  return `${answer.status} ${(await answer.text()).replaceAll(/req_\w+/g, 'req')}`;
}

test('a call of another workspace is answered like one that was never made', async () => {
  await admin.store.workspaces.insert({
    id: 'ws_other',
    name: 'other',
    state: 'active',
    ...UNNARROWED,
    updatedAtMs: 0,
    deletedAtMs: null,
    createdAtMs: 0,
  });
  await write({ requestId: 'req_theirs', workspaceId: 'ws_other', code: 'model_denied', status: 403 });
  expect(await textOf('req_theirs')).toBe(await textOf('req_nobody'));
  expect(await textOf('req_theirs')).toMatch(/^404 /);
});

test('a call that proved no key is shown to operators, and to a workspace whose key it named', async () => {
  const { kid, fingerprint } = await admin.client.call('keys.create', { body: { name: 'ours' } });
  const unproven = { workspaceId: null, status: 401 };
  await write({ requestId: 'req_s', ...unproven, kid, keyFingerprint: fingerprint, code: 'secret_mismatch' });
  await write({ requestId: 'req_b', ...unproven, kid: null, keyFingerprint: fingerprint, code: 'bad_checksum' });
  await write({ requestId: 'req_u', ...unproven, kid: 'BBBBBBBBBBBB', code: 'unknown_key' });
  expect(await textOf('req_s', 'reader')).toContain('"name":"ours"');
  expect(await textOf('req_b', 'reader')).toContain('"name":"ours"');
  expect(await textOf('req_u')).toContain('unknown_key');
  expect(await textOf('req_u', 'reader')).toBe(await textOf('req_n', 'reader'));
});

test('a decision that was cut, or that another version wrote, is not passed off as the one that was made', async () => {
  const models = Array.from({ length: 500 }, (_, i) => `openai/${i}-${'x'.repeat(100)}`);
  const standing = standingOf(prepareKey(keyRecord({ scopes: { ...NO_SCOPES, models } })), [], workspaceState());
  const rest = { matchedSecret: SECRET, expectedEnvironment: null, delegation: null, limits: null, nowMs: START_MS };
  const cut = writeDecision({ standing, facts: { ...NO_FACTS, model: 'house/tiny' }, ...rest });
  await write({ requestId: 'req_c', code: 'model_denied', decision: cut });
  await write({ requestId: 'req_v', code: 'model_denied', decision: '{"v":99}' });
  const explain = (requestId: string) => admin.client.call('explain.read', { params: { requestId } });
  expect(await explain('req_c')).toMatchObject({
    decision: null,
    decisionNote: expect.stringContaining('was cut') as string,
  });
  expect(await explain('req_v')).toMatchObject({
    decision: null,
    decisionNote: expect.stringContaining('another version') as string,
  });
});

test('what a vendor did wrong is told as such, with its own answer and request id', async () => {
  const upstream = { provider: 'house', model: 'tiny', credentialId: 'cred_1', upstreamStatus: 401 };
  await write({ requestId: 'req_p', code: 'credential_rejected', status: 502, upstreamRequestId: 'up_1', upstreamCode: 'invalid_api_key', ...upstream });
  const told = await admin.client.call('explain.read', { params: { requestId: 'req_p' } });
  expect(told.upstream).toEqual({
    provider: 'house',
    model: 'tiny',
    credentialId: 'cred_1',
    status: 401,
    code: 'invalid_api_key',
    requestId: 'up_1',
    attempts: 1,
  });
  expect(told.means).toContain('The key was accepted');
  expect(told.todo[0]).toContain('Replace the credential');
});

test('what cannot be a request id is refused', async () => {
  expect(await refusal(admin.client.call('explain.read', { params: { requestId: 'x'.repeat(101) } }))).toMatchObject({
    status: 422,
  });
});
