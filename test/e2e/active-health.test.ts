/** Endpoints that failed come back without a caller's call paying for the probe. */
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

/** A vendor that can be away, and whose list of models and calls answer each as a test wants. */
interface Vendor {
  readonly port: number;
  /** `GET /v1/models bearer …`, and the like, in the order in which they came. */
  readonly seen: string[];
  models: number;
  calls: number;
  open(): Promise<void>;
  close(): Promise<void>;
}

async function createVendor(): Promise<Vendor> {
  let server: Server | null = null;
  const vendor = {
    port: 0,
    seen: [] as string[],
    models: 200,
    calls: 200,
    async open() {
      server = createServer({ noDelay: true }, (req, res) => {
        vendor.seen.push(`${req.method} ${req.url} ${req.headers.authorization}`);
        req.resume();
        req.on('end', () => {
          const choices = [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }];
          res.writeHead(req.method === 'GET' ? vendor.models : vendor.calls, {
            'content-type': 'application/json',
            connection: 'close',
          });
          res.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices }));
        });
      }).listen(vendor.port, '127.0.0.1');
      await new Promise<void>((resolve) => server?.once('listening', resolve));
      vendor.port = (server.address() as AddressInfo).port;
    },
    async close() {
      await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
      server = null;
    },
  };
  await vendor.open();
  return vendor;
}

const NAMES = ['away', 'broken', 'hollow', 'alone'] as const;

let vendors: Readonly<Record<(typeof NAMES)[number], Vendor>>;
let well: FakeUpstream;
let product: Product;
let passive: Product;

beforeAll(async () => {
  const [away, broken, hollow, alone] = await Promise.all([
    createVendor(),
    createVendor(),
    createVendor(),
    createVendor(),
  ]);
  vendors = { away, broken, hollow, alone };
  well = await startFakeUpstream();
  const config = (activeHealth: boolean) =>
    [
      `gateway: { activeHealth: ${activeHealth} }`,
      'providers:',
      `  well: { dialect: openai, baseUrl: "${well.origin}/v1", credentials: [{ secret: w }] }`,
      ...NAMES.map(
        (name) =>
          `  ${name}: { dialect: openai, baseUrl: "http://127.0.0.1:${vendors[name].port}/v1", credentials: [{ secret: k-${name} }] }`,
      ),
      'models:',
      ...NAMES.map((name) => `  to-${name}: { targets: [${name}/m, well/tiny] }`),
      '',
    ].join('\n');
  [product, passive] = await Promise.all([
    startProduct({ config: config(true) }),
    startProduct({ config: config(false) }),
  ]);
});
afterAll(async () => {
  await Promise.all([product.dispose(), passive.dispose()]);
  await Promise.all([well.close(), ...Object.values(vendors).map((vendor) => vendor.close())]);
});

/** Which provider answered, and after how many attempts. */
async function call(name: string, at: Product = product): Promise<readonly [string | null, string | null]> {
  const response = await fetch(`${at.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${at.firstKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: `to-${name}`, messages: [{ role: 'user', content: 'hi' }] }),
  });
  await response.arrayBuffer();
  return [response.headers.get('x-keyward-provider'), response.headers.get('x-keyward-attempts')];
}

/** Until the endpoint is left alone: its alias answers at the first attempt, from elsewhere. */
async function fail(name: string, at: Product = product): Promise<void> {
  await expect.poll(() => call(name, at), { timeout: 10_000, interval: 1 }).toEqual(['well', '1']);
}

const asked = (name: (typeof NAMES)[number]) => vendors[name].seen.filter((text) => text.startsWith('GET'));
const called = (name: (typeof NAMES)[number]) => vendors[name].seen.filter((text) => text.startsWith('POST'));

describe('an endpoint that was away', () => {
  test('is asked for its models, with its credential, and takes the next call', async () => {
    const vendor = vendors.away;
    await vendor.close();
    await fail('away');
    await sleep(2_500);
    await vendor.open();
    await expect.poll(() => asked('away').length, { timeout: 20_000 }).toBe(1);
    expect(vendor.seen).toEqual(['GET /v1/models Bearer k-away']);
    await expect.poll(() => call('away'), { timeout: 2_000 }).toEqual(['away', '1']);
    const shown = (await product.admin('GET', '/provider-pools?providerId=away')).body;
    expect(shown).toMatchObject({ items: [{ endpoints: [{ openUntil: null, lastProbe: { serves: true } }] }] });
    // One that serves is asked no more, nor one that never failed.
    await sleep(1_500);
    expect(asked('away')).toHaveLength(1);
    expect(well.requests.filter(({ method }) => method === 'GET')).toEqual([]);
  });

  test('is not asked where that is switched off', async () => {
    const vendor = vendors.alone;
    await vendor.close();
    await fail('alone', passive);
    await vendor.open();
    await sleep(3_500);
    expect(vendor.seen).toEqual([]);
    await expect.poll(() => call('alone', passive), { timeout: 5_000 }).toEqual(['alone', '1']);
  });
});

test('an endpoint whose every answer is an error stays out, and a call tries now and then', async () => {
  const vendor = vendors.broken;
  vendor.models = 500;
  vendor.calls = 500;
  await fail('broken');
  const before = called('broken').length;
  await expect.poll(() => asked('broken').length, { timeout: 20_000 }).toBe(2);
  expect(called('broken')).toHaveLength(before);
  expect(await call('broken')).toEqual(['well', '1']);
  // The question alone may fail: calls find out for themselves.
  vendor.calls = 200;
  await expect.poll(() => call('broken'), { timeout: 20_000, interval: 200 }).toEqual(['broken', '1']);
  expect(asked('broken')).toHaveLength(2);
});

test('an endpoint that lists its models and fails calls costs one call, and is left to calls then', async () => {
  const vendor = vendors.hollow;
  vendor.calls = 500;
  await fail('hollow');
  const before = called('hollow').length;
  await expect.poll(() => asked('hollow').length, { timeout: 10_000 }).toBe(1);
  await expect.poll(() => call('hollow'), { timeout: 2_000, interval: 20 }).toEqual(['well', '2']);
  expect(await call('hollow')).toEqual(['well', '1']);
  expect(called('hollow').length - before).toBe(1);
  await sleep(2_500);
  expect(asked('hollow')).toHaveLength(1);
});
