import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, filesOf, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let product: Product;
let receiver: Server;
const received: { type: string; signature: string }[] = [];

beforeAll(async () => {
  receiver = createServer((req, res) => {
    const { 'keyward-event': type, 'keyward-signature': signature } = req.headers;
    received.push({ type: String(type), signature: String(signature) });
    req.resume().on('end', () => res.writeHead(204).end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  product = await startProduct({ config: 'webhooks: { allowPrivate: true }\n' });
});
afterAll(async () => {
  receiver.close();
  await product.dispose();
});

async function call(key: string): Promise<number> {
  const response = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'user-agent': 'loader/1' },
    body: JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'hello' }] }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function rotateToLink(kid: string): Promise<string> {
  const { body } = await product.admin('POST', `/keys/${kid}/rotate`, { deliver: 'reveal-link' });
  return (body as { revealLink: string }).revealLink;
}

async function openLink(link: string): Promise<{ readonly status: number; readonly key: string }> {
  const [page = '', token] = link.split('#');
  const response = await fetch(page, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  return { status: response.status, ...((await response.json()) as { key: string }) };
}

interface Adoption {
  readonly lastUsedAt: string | null;
  readonly generations: readonly { readonly generation: number; readonly calls: number; readonly callers: unknown }[];
}

test('a key whose secret moves by reveal link under load has no failed call, and adoption tells who moved', async () => {
  const { kid, key: old } = await createKey(product);
  let current = old;
  const stopped = new AbortController();
  const statuses: number[] = [];
  const caller = async (): Promise<void> => {
    while (!stopped.signal.aborted) statuses.push(await call(current));
  };
  const load = Array.from({ length: 8 }, caller);
  await sleep(300);
  const link = await rotateToLink(kid);
  expect(link.startsWith(`${product.adminUrl}/reveal#kwr_live_`)).toBe(true);
  await sleep(300);
  const opened = await openLink(link);
  expect(opened.status).toBe(200);
  current = opened.key;
  await sleep(300);
  stopped.abort();
  await Promise.all(load);
  expect(statuses.length).toBeGreaterThan(50);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  expect((await openLink(link)).status).toBe(404);

  const adoption = async () => (await product.admin('GET', `/keys/${kid}/adoption`)).body as Adoption;
  await expect
    .poll(async () => (await adoption()).generations.reduce((sum, { calls }) => sum + calls, 0), { timeout: 10_000 })
    .toBe(statuses.length);
  expect((await adoption()).generations).toMatchObject([
    { generation: 2, callers: [{ network: '127.0.0.0/24', userAgent: 'loader/1' }] },
    { generation: 1, callers: [{ network: '127.0.0.0/24', userAgent: 'loader/1' }] },
  ]);
  const done = await product.admin('POST', `/keys/${kid}/rotation/complete`);
  expect(done.status).toBe(200);
  expect([await call(old), await call(current)]).toEqual([401, 200]);
});

test('the page of a link is served, and its secret stands nowhere on disk or in the log', async () => {
  const { kid } = await createKey(product);
  const link = await rotateToLink(kid);
  const page = await fetch(link);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
  const before = filesOf(product.dataDir).filter(({ path }) => !path.endsWith('keyward.lock'));
  const { key } = await openLink(link);
  const files = [...before, ...filesOf(product.dataDir).filter(({ path }) => !path.endsWith('keyward.lock'))];
  for (const secret of [key.split('_')[3] ?? '', link.split('_')[3] ?? '']) {
    expect(secret).toHaveLength(43);
    expect(files.filter(({ bytes }) => bytes.includes(secret)).map(({ path }) => path)).toEqual([]);
    expect(product.logs()).not.toContain(secret);
  }
});

test('an event reaches a real socket soon after it happened', async () => {
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const { status } = await product.admin('POST', '/webhooks', { name: 'receiver', url, events: ['key.rotated'] });
  expect(status).toBe(201);
  const { kid } = await createKey(product);
  await product.admin('POST', `/keys/${kid}/rotate`, {});
  await expect.poll(() => received.length, { timeout: 10_000 }).toBe(1);
  expect(received[0]).toMatchObject({
    type: 'key.rotated',
    signature: expect.stringMatching(/^t=\d+,v1=[0-9a-f]{64}$/) as string,
  });
});

test('what is known of the use of a key is there after a restart', async () => {
  const { kid, key } = await createKey(product);
  expect(await call(key)).toBe(200);
  await expect
    .poll(async () => ((await product.admin('GET', `/keys/${kid}/adoption`)).body as Adoption).lastUsedAt)
    .not.toBeNull();
  expect(await product.stop()).toBe(0);
  const again = await startProduct({ dataDir: product.dataDir });
  try {
    const shown = (await again.admin('GET', `/keys/${kid}`)).body as { lastUsedAt: string | null };
    expect(shown.lastUsedAt).not.toBeNull();
  } finally {
    await again.dispose();
  }
});
