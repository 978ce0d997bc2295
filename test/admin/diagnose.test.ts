import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../src/cli/main.ts';
import { generateKey } from '../../src/keys/format.ts';
import { UNNARROWED } from '../../src/keys/owners.ts';
import { keyRow } from '../../src/storage/store-fixture.ts';
import { inOtherEnvironment, unknownKey, withWrongSecret } from '../forged-key.ts';
import { START_MS, createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';
import { delegate } from './delegate.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const create = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });
const diagnose = (body: { key?: string; fingerprint?: string; requestId?: string }) =>
  admin.client.call('diagnose.run', { body });

type Told = Awaited<ReturnType<typeof diagnose>>;
const failing = ({ findings }: Told) => findings.filter(({ outcome }) => outcome === 'fail').map(({ code }) => code);
const about = ({ findings }: Told, what: string) => findings.filter((finding) => finding.about === what);

describe('a key that works', () => {
  test('is found sound by its text, and by its fingerprint and id as far as can be said without the secret', async () => {
    const { key, kid, fingerprint } = await create({ limits: { requestsPerMinute: 5 } });
    const whole = await diagnose({ key });
    expect(whole).toMatchObject({ works: true, fingerprint, about: { kid, name: 'billing', state: 'active' } });
    expect(failing(whole)).toEqual([]);
    expect(whole.findings.map((finding) => finding.about)).toEqual([
      'form',
      'existence',
      'secret',
      'life-cycle',
      'owner',
      'reach',
      'limits',
    ]);
    expect(whole.limits).toEqual([
      expect.objectContaining({ name: 'requestsPerMinute', limit: 5, used: 0, remaining: 5 }),
    ]);
    expect(whole.reach?.models).toEqual(['filealias', 'sandbox/echo', 'filehouse/tiny', 'filehouse/large']);
    for (const ref of [fingerprint, kid]) expect(await diagnose({ fingerprint: ref })).toMatchObject({ works: null });
  });

  test('tells what narrows it, and what it can reach of what there is', async () => {
    const { key } = await create({ scopes: { models: ['filehouse/*'], addresses: ['10.0.0.0/8'] } });
    const { reach } = await diagnose({ key });
    expect(reach?.narrowedBy.map(({ level, scope, entries }) => [level, scope, entries])).toEqual([
      ['key', 'models', ['filehouse/*']],
      ['key', 'addresses', ['10.0.0.0/8']],
    ]);
  });
});

describe('a delegated key', () => {
  test('that works is found sound by its text, as narrow as it is', async () => {
    const parent = await create();
    const scopes = { models: ['filehouse/tiny'] };
    const key = await delegate(admin, parent, { scopes, limits: { requestsPerMinute: 5 } });
    const whole = await diagnose({ key: `Bearer ${key}\n` });
    expect(whole).toMatchObject({ works: true, about: { kid: parent.kid } });
    expect(failing(whole)).toEqual([]);
    expect(about(whole, 'form')[0]?.text).toContain(`a delegated key of ${parent.kid}`);
    expect(about(whole, 'secret')[0]).toMatchObject({ outcome: 'pass' });
    expect(whole.reach?.models).toEqual(['filealias', 'filehouse/tiny']);
    expect(whole.limits).toMatchObject([{ name: 'requestsPerMinute', limit: 5 }]);
  });

  test('that does not is told why: over, taken back, signed by another, from a key that may not', async () => {
    const parent = await create();
    const [key, denied] = [await delegate(admin, parent), await delegate(admin, parent, { jti: 'one' })];
    const forged = `${key.slice(0, -8)}AAAAAAAA`;
    const toRevoke = { params: { kid: parent.kid }, body: { jti: 'one' } };
    await admin.client.call('keys.delegation.revoke', toRevoke);
    expect(failing(await diagnose({ key: denied }))).toEqual(['revoked']);
    const told = await diagnose({ key: forged });
    expect([failing(told), about(told, 'secret')[0]?.text]).toEqual([
      ['secret_mismatch'],
      expect.stringContaining('its signature is not by this key'),
    ]);
    admin.clock.nowMs += 61_000;
    expect(failing(await diagnose({ key }))).toEqual(['delegation_expired']);
    await admin.client.call('keys.delegation', { params: { kid: parent.kid }, body: { offline: false } });
    const off = await diagnose({ key });
    expect([off.works, about(off, 'secret')[0]?.text]).toEqual([
      false,
      expect.stringContaining('Nothing may be delegated'),
    ]);
    const nobody = await diagnose({ key: `kwd_AAAAAAAAAAAA_${key.slice(17)}` });
    expect([nobody.about, failing(nobody).at(-1)]).toEqual([null, expect.stringMatching(/unknown_key|malformed/)]);
  });

  test('without a free place among those of its key is told so; one that has its place is sound', async () => {
    const parent = await create();
    await admin.client.call('keys.delegation', { params: { kid: parent.kid }, body: { mintLiveMax: 1 } });
    const [first, second] = [
      await delegate(admin, parent, { limits: { uses: 9 } }),
      await delegate(admin, parent, { limits: { uses: 9 } }),
    ];
    await admin.client.call('keys.verify', { body: { key: first, take: true } });
    expect(failing(await diagnose({ key: first }))).toEqual([]);
    expect(failing(await diagnose({ key: second }))).toEqual(['keys_exhausted']);
  });

  test('opens a case for the key that it comes from', async () => {
    const parent = await create();
    const key = await delegate(admin, parent);
    await admin.client.call('keys.suspend', { params: { kid: parent.kid } });
    const opened = await admin.client.call('cases.open', { body: { key } });
    expect(opened.kid).toBe(parent.kid);
    expect(opened.steps[0]?.evidence).toMatchObject({ problems: [{ code: 'suspended' }] });
  });

  test('is tested step by step up to the call', async () => {
    const parent = await create();
    const secret = await delegate(admin, parent, { scopes: { models: ['filehouse/tiny'] } });
    const tested = await admin.client.call('keys.test', { params: { kid: parent.kid }, body: { secret } });
    expect(tested.model).toBe('filealias');
    // Nothing listens behind the gateway's port here.
    expect(tested.steps.filter(({ outcome }) => outcome === 'pass').map(({ name }) => name)).toEqual([
      ...['form', 'exists', 'secret', 'life-cycle', 'owner', 'scope', 'limits'],
    ]);
    const other = await create();
    const wrong = await admin.client.call('keys.test', { params: { kid: other.kid }, body: { secret } });
    expect([wrong.failed, wrong.complete]).toEqual(['secret', false]);
  });
});

describe('a text that is no such key', () => {
  test('is told by its form: typo with its place, cut, of a vendor, placeholder', async () => {
    const { key, kid } = await create();
    const mistyped = `${key.slice(0, 40)}${key.charAt(40) === 'a' ? 'b' : 'a'}${key.slice(41)}`;
    const told = await diagnose({ key: mistyped });
    expect(about(told, 'form')).toMatchObject([
      { code: 'bad_checksum', text: expect.stringContaining('character 41 of 72') as string },
    ]);
    expect(told).toMatchObject({ works: false, about: { kid } });
    expect(failing(await diagnose({ key: key.slice(0, 50) }))).toEqual(['truncated']);
    expect(failing(await diagnose({ key: 'sk-ant-Zq7RkWm3TnVbYcXdLpGh' }))).toEqual(['provider_key_sent_to_gateway']);
    expect(failing(await diagnose({ key: 'kwk_live_YOUR_KEY' }))).toEqual(['placeholder_key']);
  });

  test('is told as unknown alike, whether nobody or another workspace has it', async () => {
    await admin.store.workspaces.insert({
      id: 'ws_o',
      name: 'o',
      state: 'active',
      ...UNNARROWED,
      createdAtMs: 0,
      updatedAtMs: 0,
      deletedAtMs: null,
    });
    const other = admin.store.workspace('ws_o');
    const theirs = generateKey({ type: 'kwk', environment: 'live' });
    await other.applications.insert({
      ...{ id: 'app_o', name: 'o', state: 'active', subscribedModels: ['*'], subscribedServices: [], ownerId: null },
      ...{ teamId: null, ...UNNARROWED, isDefault: true, createdAtMs: 0, updatedAtMs: 0, deletedAtMs: null },
    });
    const secret = { ...admin.deps.hasher.hash(theirs.secret), state: 'current', notAfterMs: null } as const;
    await other.keys.insert(keyRow({ kid: theirs.kid, applicationId: 'app_o', secrets: [secret] }));
    const nobody = unknownKey();
    const withoutKid = (told: Told) => ({ ...told, fingerprint: null });
    expect(withoutKid(await diagnose({ key: theirs.text }))).toEqual(withoutKid(await diagnose({ key: nobody })));
    expect(withoutKid(await diagnose({ fingerprint: theirs.kid }))).toEqual(
      withoutKid(await diagnose({ fingerprint: nobody.split('_')[2] ?? '' })),
    );
    expect(failing(await diagnose({ key: theirs.text }))).toEqual(['unknown_key']);
  });

  test('is told as one with a secret that the key does not have, or of the other environment', async () => {
    const { key, kid } = await create();
    expect(failing(await diagnose({ key: withWrongSecret(kid) }))).toEqual(['secret_mismatch']);
    expect(failing(await diagnose({ key: inOtherEnvironment(key) }))).toEqual(['wrong_environment']);
  });
});

describe('a key in trouble', () => {
  test('is told what to do, as calls of the API that do it', async () => {
    const { key, kid } = await create();
    await admin.client.call('keys.suspend', { params: { kid } });
    const told = await diagnose({ key });
    expect(failing(told)).toEqual(['suspended']);
    const action = told.findings.flatMap(({ actions }) => actions)[0];
    expect(action).toMatchObject({ kind: 'resume-key', who: 'key owner', request: { method: 'POST' } });
    const made = await admin.send(action?.request?.method ?? '', `/api/v1${action?.request?.path}`, {
      body: action?.request?.body,
    });
    expect(made.status).toBe(200);
    expect(await diagnose({ key })).toMatchObject({ works: true });
  });

  test('tells an old secret from the present one', async () => {
    const { key: old, kid } = await create();
    const { key } = await admin.client.call('keys.rotate', { params: { kid }, body: { overlap: '1h' } });
    expect(about(await diagnose({ key: old }), 'secret')[0]?.text).toContain(
      'was replaced, accepted until 2030-01-15T13:00',
    );
    expect(about(await diagnose({ key: String(key) }), 'secret')[0]?.text).toContain('present one');
    admin.clock.nowMs += 3_600_000;
    expect(failing(await diagnose({ key: old }))).toEqual(['rotation_grace_over']);
  });

  test('shows its last calls and what failed of them, by code, with strangers who named it', async () => {
    const { kid, fingerprint } = await create();
    const row = { kid, keyFingerprint: fingerprint, workspaceId: admin.workspaceId };
    await admin.calls.write([
      callRow(admin.workspaceId, {
        ...row,
        requestId: 'req_1',
        startedAtMs: START_MS - 3000,
        code: 'model_denied',
        status: 403,
      }),
      callRow(admin.workspaceId, {
        ...row,
        requestId: 'req_2',
        startedAtMs: START_MS - 2000,
        code: 'model_denied',
        status: 403,
      }),
      callRow(admin.workspaceId, { ...row, requestId: 'req_3', startedAtMs: START_MS - 1000 }),
      callRow(admin.workspaceId, {
        ...row,
        workspaceId: null,
        requestId: 'req_4',
        startedAtMs: START_MS - 500,
        code: 'secret_mismatch',
        status: 401,
      }),
    ]);
    const told = await diagnose({ fingerprint: kid });
    expect(told.lastCalls.map(({ requestId }) => requestId)).toEqual(['req_3', 'req_2', 'req_1']);
    expect(told.failures.map(({ code, count, lastRequestId }) => [code, count, lastRequestId])).toEqual([
      ['secret_mismatch', 1, 'req_4'],
      ['model_denied', 2, 'req_2'],
    ]);
    const byCall = await diagnose({ requestId: 'req_1' });
    expect(byCall.about?.kid).toBe(kid);
    expect(about(byCall, 'call')[0]?.text).toContain('The same call would pass now');
  });
});

describe('a key that can call no model', () => {
  test('does not work, and is told the call of the API that helps', async () => {
    const { key } = await create({ scopes: { models: ['nobody/tiny'] } });
    const told = await diagnose({ key });
    expect(told).toMatchObject({ works: false });
    expect(about(told, 'reach')).toMatchObject([
      { outcome: 'fail', code: 'model_denied', actions: [{ kind: 'widen-scope', who: 'key owner' }] },
    ]);
    const request = about(told, 'reach')[0]?.actions[0]?.request;
    await admin.send(request?.method ?? '', `/api/v1${request?.path}`, { body: request?.body });
    expect(await diagnose({ key })).toMatchObject({ works: true });
  });

  test('of its application, likewise', async () => {
    const body = { name: 'shop', subscribedModels: ['nobody/*'] };
    const { id } = await admin.client.call('applications.create', { body });
    const { key } = await create({ applicationId: id });
    const told = await diagnose({ key });
    expect([told.works, failing(told)]).toEqual([false, ['not_subscribed']]);
    expect(about(told, 'reach')[0]?.actions).toMatchObject([{ kind: 'subscribe', request: { method: 'PATCH' } }]);
  });

  test('of those that are listed may know others: nobody but the provider can tell', async () => {
    const { key, kid } = await create({ scopes: { models: ['filehouse/newest'] } });
    const told = await diagnose({ key });
    expect([told.works, failing(told)]).toEqual([null, []]);
    expect(about(told, 'reach')).toMatchObject([
      {
        outcome: 'note',
        text: expect.stringContaining('besides: filehouse/newest.') as string,
        actions: [{ request: { path: `/keys/${kid}/test`, body: { model: 'filehouse/newest' } } }],
      },
    ]);
  });

  test('but services, works', async () => {
    const body = { name: 'shop', subscribedModels: ['nobody/*'], subscribedServices: ['billing'] };
    const { id } = await admin.client.call('applications.create', { body });
    const { key } = await create({ applicationId: id });
    const told = await diagnose({ key });
    expect([told.works, failing(told)]).toEqual([true, []]);
    expect(about(told, 'reach')[0]?.text).toContain('It may call services: billing.');
  });
});

test('what names nothing, or two things, is refused; a request id that is not there is 404', async () => {
  for (const body of [{}, { key: 'a', fingerprint: 'AAAAAAAAAAAA' }]) {
    expect(await refusal(diagnose(body))).toMatchObject({ status: 422, code: 'validation_failed' });
  }
  expect(await refusal(diagnose({ requestId: 'req_none' }))).toMatchObject({ status: 404 });
});

test('the key that was given is in no answer, log line or stored byte, also when it is refused', async () => {
  const { key } = await create();
  const answers = [
    await diagnose({ key }),
    await diagnose({ key: `${key}x` }),
    await refusal(diagnose({ key: key.repeat(50) })),
    await admin.client.call('audit-events.list'),
  ];
  const secret = key.split('_')[3] ?? '';
  expect(JSON.stringify([answers, admin.logged])).not.toContain(secret);
});

describe('keyward diagnose', () => {
  async function run(args: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> {
    let out = '';
    let err = '';
    const code = await runCommand(args, {
      env: { KEYWARD_ADMIN_TOKEN: 'x', KEYWARD_ADMIN_PORT: '1' },
      out: (text) => (out += text),
      err: (text) => (err += text),
      readInput: async () => input,
    });
    return { code, out, err };
  }

  test('does not take a whole key as an argument, and does not repeat it', async () => {
    const { key } = await create();
    const { code, err } = await run(['diagnose', key]);
    expect(code).toBe(2);
    expect(err).toContain('--key-stdin or --key-env NAME');
    expect(err).not.toContain(key.split('_')[3]);
  });
});
