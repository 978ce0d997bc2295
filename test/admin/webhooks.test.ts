import {
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseKey } from '../../src/keys/format.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

const HOUR_MS = 3_600_000;

interface Received {
  readonly body: string;
  readonly event: {
    readonly id: string;
    readonly type: string;
    readonly key: { readonly kid: string } | null;
    readonly data: Readonly<Record<string, unknown>>;
    readonly sealedSecret?: { readonly ephemeralPublicKey: string; readonly ciphertext: string };
  };
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

let admin: AdminFixture;
let server: Server;
let url: string;
let received: Received[];
let answerWith: number;

beforeEach(async () => {
  admin = await createAdminFixture();
  admin.settings.allowPrivateWebhooks = true;
  received = [];
  answerWith = 204;
  server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      received.push({ body, event: JSON.parse(body) as Received['event'], headers: req.headers });
      res.writeHead(answerWith).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await admin.dispose();
});

const pair = generateKeyPairSync('x25519');
const jwk = pair.privateKey.export({ format: 'jwk' });
const publicKey = Buffer.from(jwk.x ?? '', 'base64url').toString('base64');

const createWebhook = (body: object = {}) =>
  admin.client.call('webhooks.create', { body: { name: 'receiver', url, ...body } });
const createKey = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });
const deliveries = async (id: string) =>
  (await admin.client.call('webhooks.deliveries', { params: { id }, query: { limit: 500 } })).items;

async function run(afterMs = 2000): Promise<void> {
  admin.clock.nowMs += afterMs;
  await admin.runJobs();
}

/** As the guide says, out of what the receiver has. */
function openSealed({ event }: Received): string {
  const { ephemeralPublicKey, ciphertext } = event.sealedSecret ?? { ephemeralPublicKey: '', ciphertext: '' };
  const ephemeral = Buffer.from(ephemeralPublicKey, 'base64');
  const shared = diffieHellman({
    privateKey: createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', ...jwk }, format: 'jwk' }),
    publicKey: createPublicKey({
      key: { kty: 'OKP', crv: 'X25519', x: ephemeral.toString('base64url') },
      format: 'jwk',
    }),
  });
  const salt = Buffer.concat([ephemeral, Buffer.from(publicKey, 'base64')]);
  const okm = Buffer.from(hkdfSync('sha256', shared, salt, 'keyward sealed secret v1', 44));
  const sealed = Buffer.from(ciphertext, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', okm.subarray(0, 32), okm.subarray(32));
  decipher.setAAD(Buffer.from(event.id));
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString();
}

describe('a new secret by webhook', () => {
  test('arrives signed and sealed; only its receiver can open it, and no other webhook gets it', async () => {
    const { id, secret } = await createWebhook({ publicKey, events: ['webhook.test'] });
    await createWebhook({ name: 'other', publicKey });
    const { kid } = await createKey();
    const answer = await admin.client.call('keys.rotate', {
      params: { kid },
      body: { deliver: 'webhook', webhookId: id },
    });
    expect([answer.key, answer.revealLink]).toEqual([null, null]);
    await run();
    expect(received).toHaveLength(2);
    const sealed = received.filter(({ event }) => event.sealedSecret !== undefined);
    expect(sealed).toHaveLength(1);
    const [first] = sealed;
    if (first === undefined) return;
    const header = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(first.headers['keyward-signature']));
    expect(header?.[1]).toBe(String(Math.floor(admin.clock.nowMs / 1000)));
    const expected = createHmac('sha256', secret)
      .update(`${header?.[1] ?? ''}.${first.body}`)
      .digest('hex');
    expect(header?.[2]).toBe(expected);
    expect(first.headers).toMatchObject({ 'keyward-event': 'key.rotated', 'keyward-event-id': first.event.id });

    const parsed = parseKey(openSealed(first), ['kwk']);
    expect(parsed).toMatchObject({ ok: true, kid });
    const { hash } = admin.deps.hasher.hash(parsed.ok ? parsed.secret : '');
    expect((await admin.store.findKey(kid))?.secrets[0]).toMatchObject({ state: 'current', hash });
    const seen = JSON.stringify([await admin.client.call('audit-events.list'), admin.logged, received]);
    expect(seen).not.toContain(parsed.ok ? parsed.secret : '?');
  });

  test('is what a policy rotates by; without a key to seal to neither policy nor rotation is taken', async () => {
    const plain = await createWebhook();
    const { kid } = await createKey();
    const policy = { name: 'daily', interval: '1d', overlap: '1h', delivery: 'webhook', webhookId: plain.id } as const;
    const refused = [
      await refusal(admin.client.call('rotation-policies.create', { body: policy })),
      await refusal(
        admin.client.call('keys.rotate', { params: { kid }, body: { deliver: 'webhook', webhookId: plain.id } }),
      ),
    ];
    expect(refused.map(({ status, message }) => [status, message.includes('has no public key')])).toEqual([
      [409, true],
      [409, true],
    ]);
    expect((await admin.client.call('keys.get', { params: { kid } })).secretVersions).toHaveLength(1);

    await admin.client.call('webhooks.update', { params: { id: plain.id }, body: { publicKey } });
    await admin.client.call('rotation-policies.create', { body: policy });
    await run(24 * HOUR_MS);
    await run();
    const rotated = received.filter(({ event }) => event.type === 'key.rotated' && event.key?.kid === kid);
    expect(rotated).toHaveLength(1);
    expect(parseKey(rotated[0] === undefined ? '' : openSealed(rotated[0]), ['kwk'])).toMatchObject({ ok: true, kid });
    expect((await refusal(admin.client.call('webhooks.delete', { params: { id: plain.id } }))).status).toBe(409);
  });

  test('that could not be delivered in a day is lost, and an alert says so', async () => {
    answerWith = 500;
    const { id } = await createWebhook({ publicKey, events: ['webhook.test'] });
    const { kid } = await createKey();
    await admin.client.call('keys.rotate', { params: { kid }, body: { deliver: 'webhook', webhookId: id } });
    for (const hours of [0, 0.1, 0.1, 0.1, 0.2, 0.5, 1, 2, 4, 8, 8]) await run(hours * HOUR_MS);
    expect(await deliveries(id)).toMatchObject([{ state: 'failed', attempts: 11, lastStatus: 500 }]);
    const { items } = await admin.client.call('alerts.list', { query: { severity: 'critical' } });
    expect(new Set(items.map(({ kind, subjectId }) => `${kind} ${subjectId}`))).toEqual(
      new Set([`secret_lost ${kid}`, `webhook_failing ${id}`]),
    );
    expect(items).toHaveLength(2);
  });
});

describe('an event', () => {
  test('goes to the webhooks that asked for it, and nowhere else', async () => {
    await createWebhook({ events: ['key.rotated'] });
    await createWebhook({ events: ['key.idle'] });
    await createWebhook({ events: ['*'], state: 'disabled' });
    const { kid } = await createKey();
    await admin.client.call('keys.rotate', { params: { kid } });
    await run();
    expect(received.map(({ event }) => [event.type, event.key?.kid])).toEqual([['key.rotated', kid]]);
    expect(received[0]?.event.sealedSecret).toBeUndefined();
    expect(received[0]?.event.data).toMatchObject({ delivery: 'answer', policyId: null });
  });

  test('that was not taken is tried again, later and later, over restarts; recovery is told once', async () => {
    answerWith = 503;
    const { id } = await createWebhook({ events: ['webhook.test'] });
    const watcher = await createWebhook({
      url: url.replace('/hook', '/w'),
      events: ['alert.raised', 'alert.resolved'],
    });
    await admin.client.call('webhooks.update', { params: { id: watcher.id }, body: { state: 'disabled' } });
    const { eventId } = await admin.client.call('webhooks.test', { params: { id } });
    await run();
    await run(9000);
    expect(received).toHaveLength(1);
    await run(1000);
    await run(30_000);
    expect(received).toHaveLength(3);
    const alerts = async () => (await admin.client.call('alerts.list', { query: { kind: 'webhook_failing' } })).items;
    expect(await alerts()).toMatchObject([{ state: 'open', subjectId: id }]);
    answerWith = 200;
    await run(120_000);
    expect(new Set(received.map(({ event }) => event.id))).toEqual(new Set([eventId]));
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 4, lastStatus: 200, lastError: null }]);
    expect(await alerts()).toMatchObject([{ state: 'resolved' }]);
    await run(HOUR_MS);
    expect(received).toHaveLength(4);
  });

  test('is not held up by another webhook that fails, however much waits for that one', async () => {
    const failing = await createWebhook({ url: 'http://127.0.0.1:1/', events: ['webhook.test'] });
    const healthy = await createWebhook({ events: ['webhook.test'] });
    for (let i = 0; i < 120; i += 1) await admin.client.call('webhooks.test', { params: { id: failing.id } });
    await admin.client.call('webhooks.test', { params: { id: healthy.id } });
    await run();
    expect(received).toHaveLength(1);
    const tried = async () => (await deliveries(failing.id)).reduce((sum, { attempts }) => sum + attempts, 0);
    expect(await tried()).toBe(1);
    // Left alone as a whole, not event by event.
    await run();
    expect(await tried()).toBe(1);
    await run(10_000);
    expect(await tried()).toBe(2);
  });

  test('that nobody took for three days is given up, also for a webhook that is disabled', async () => {
    const { id } = await createWebhook({ publicKey });
    const { kid } = await createKey();
    await admin.client.call('keys.rotate', { params: { kid }, body: { deliver: 'webhook', webhookId: id } });
    await admin.client.call('webhooks.update', { params: { id }, body: { state: 'disabled' } });
    await run(71 * HOUR_MS);
    expect((await deliveries(id))[0]?.state).toBe('waiting');
    await run(2 * HOUR_MS);
    expect(await deliveries(id)).toMatchObject([{ state: 'failed', lastError: 'given up', attempts: 0 }]);
    const lost = async () => (await admin.client.call('alerts.list', { query: { kind: 'secret_lost' } })).items;
    expect(await lost()).toMatchObject([{ subjectId: kid, state: 'open' }]);
    await run(HOUR_MS);
    expect(await lost()).toMatchObject([{ subjectId: kid, state: 'open' }]);
    await admin.client.call('keys.revoke', { params: { kid } });
    await run(HOUR_MS);
    expect(await lost()).toMatchObject([{ subjectId: kid, state: 'resolved' }]);
  });

  test('for a webhook that is deleted is not sent any more', async () => {
    const { id } = await createWebhook();
    await admin.client.call('webhooks.test', { params: { id } });
    await admin.client.call('webhooks.delete', { params: { id } });
    await run();
    expect(received).toEqual([]);
  });
});

describe('a webhook', () => {
  test.each([
    [{ url: 'http://example.com/' }, 'url', 'must be an https URL, unless'],
    [{ url: 'https://169.254.169.254/latest/meta-data' }, 'url', 'not of the public internet'],
    [{ url: 'https://[::1]/' }, 'url', 'not of the public internet'],
    [{ url: 'https://example.com/', publicKey: 'AAAA' }, 'publicKey', 'must be an X25519 public key'],
    [{ url: 'https://example.com/', events: ['key.stolen'] }, 'events[0]', 'must be one of'],
  ])('is refused by default: %j', async (body, field, message) => {
    admin.settings.allowPrivateWebhooks = false;
    const error = await refusal(createWebhook(body));
    expect(error.fields).toEqual([{ in: 'body', field, message: expect.stringContaining(message) as string }]);
  });

  test('that became private, or whose permission was taken back, is not called', async () => {
    const { id } = await createWebhook();
    await admin.client.call('webhooks.test', { params: { id } });
    admin.settings.allowPrivateWebhooks = false;
    await run();
    expect(received).toEqual([]);
    expect((await deliveries(id))[0]?.lastError).toContain('must be an https URL');
  });

  test('shows its signing secret in the answer that made it, and never again', async () => {
    const { id, secret } = await createWebhook();
    const seen = JSON.stringify([
      await admin.client.call('webhooks.get', { params: { id } }),
      await admin.client.call('webhooks.list'),
      await admin.client.call('audit-events.list'),
      admin.logged,
    ]);
    expect(secret).toMatch(/^whsec_[0-9A-Za-z]{43}$/);
    expect(seen).not.toContain(secret.slice('whsec_'.length));
  });
});
