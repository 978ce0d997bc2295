import { readFileSync, readdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { closedOrigin, startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';

/** Short, so that a stalling vendor costs the tests little; far above what a healthy one needs here. */
const TIMEOUT_MS = 400;
const HANG_MS = 8_000;

let upstream: FakeUpstream;
let product: Product;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const nowhere = await closedOrigin();
  const config = [
    `gateway: { firstByteTimeoutMs: ${TIMEOUT_MS}, idleTimeoutMs: ${TIMEOUT_MS}, answerBytesMax: 2000000 }`,
    fakeProvidersConfig(upstream.origin, 'provider-key'),
    ...(Object.keys(DIALECT_CALLS) as ClientDialectName[]).flatMap((dialect) => refusingProviders(dialect)),
    `  refused: { dialect: openai, baseUrl: "${nowhere}/v1", credentials: [{ secret: x }] }`,
    '',
  ].join('\n');
  product = await startProduct({ config });
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
});
beforeEach(() => upstream.clear());

/** Refusals that put a credential out of use: each has a provider of its own, so that no other test finds it out. */
const OUT_OF_USE = ['status-401', 'status-429'];

function refusingProviders(dialect: ClientDialectName): readonly string[] {
  const prefix = dialect.startsWith('openai') ? '/v1' : '';
  return OUT_OF_USE.map(
    (fault) =>
      `  ${providerFor(dialect, fault)}: { dialect: ${dialect}, baseUrl: "${upstream.origin}${prefix}", credentials: [{ secret: x }] }`,
  );
}

function providerFor(dialect: ClientDialectName, fault: string): string {
  const provider = FAKE_PROVIDERS[dialect];
  return OUT_OF_USE.includes(fault) ? `${provider}-${fault}` : provider;
}

function send(dialect: ClientDialectName, model: string, stream: boolean): Promise<RawAnswer> {
  const call = DIALECT_CALLS[dialect];
  const bytes = rawRequest(call.path(model, stream), call.body(model, stream), { key: product.firstKey });
  return rawExchange(product.gatewayUrl, bytes, HANG_MS);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The last event of a stream, whatever its dialect calls it. */
function lastEvent(body: string): unknown {
  const data = body
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .at(-1);
  return data === undefined ? undefined : parsed(data.slice('data: '.length));
}

describe('when the caller leaves', () => {
  interface Cut {
    readonly requestId: string;
    readonly cutAtMs: number;
  }

  /** Begins a call and cuts its connection after the first bytes of the body, or after a pause when none come. */
  function beginAndCut(model: string, stream: boolean, cutAfterMs: number | null): Promise<Cut> {
    return new Promise((resolve, reject) => {
      const call = DIALECT_CALLS.openai;
      const req = httpRequest(`${product.gatewayUrl}${call.path(model, stream)}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
        agent: false,
      });
      const cut = (requestId: string): void => {
        resolve({ requestId, cutAtMs: performance.now() });
        req.destroy();
      };
      req.on('response', (res) => res.once('data', () => cut(String(res.headers['x-request-id']))));
      // Its own destruction is reported as an error, after the promise is settled.
      req.on('error', reject);
      req.end(call.body(model, stream));
      if (cutAfterMs !== null) setTimeout(() => cut(''), cutAfterMs);
    });
  }

  async function abortSeen(): Promise<number> {
    for (let i = 0; i < 500; i += 1) {
      const at = upstream.requests.at(-1)?.abortedAtMs ?? null;
      if (at !== null) return at;
      await sleep(10);
    }
    throw new Error('the upstream saw no abort');
  }

  test('in mid-stream, the provider sees it within 100 ms and the record says so', async () => {
    const cut = await beginAndCut(`${FAKE_PROVIDERS.openai}/slow-stream`, true, null);
    expect((await abortSeen()) - cut.cutAtMs).toBeLessThan(100);
    const call = await findCall(product, cut.requestId);
    expect(call).toMatchObject({ code: 'client_closed', complete: false });
  });

  test('before the head of the answer, the provider sees it too', async () => {
    const cut = await beginAndCut(`${FAKE_PROVIDERS.openai}/stalls-before-head`, false, TIMEOUT_MS / 4);
    const seen = await abortSeen();
    // Before the gateway's own timeout would have ended the call.
    expect(seen - cut.cutAtMs).toBeLessThan(100);
  });
});

describe('when the provider fails before its answer begins', () => {
  const dialects = Object.keys(DIALECT_CALLS) as ClientDialectName[];
  const cases = [
    ['dies-before-head', [502]],
    ['stalls-before-head', [504]],
    ['sends-garbage', [502]],
    ['sends-huge-header', [502]],
    ['status-401', [502]],
    ['status-429', [429, 503]],
    ['redirects', [502]],
    ['sends-a-page', [502]],
    ['sends-nothing', [502]],
    ['sends-compressed', [502]],
    ['fails-compressed', [400]],
  ] as const;

  describe.each(dialects)('%s', (dialect) => {
    test.each(cases)('%s is told cleanly, whole or stream', async (fault, statuses) => {
      const model = `${providerFor(dialect, fault)}/${fault}`;
      for (const answer of await Promise.all([false, true].map((stream) => send(dialect, model, stream)))) {
        expect(answer.timedOut).toBe(false);
        expect(statuses).toContain(answer.status);
        const message = DIALECT_CALLS[dialect].errorMessage(parsed(answer.body));
        expect(message, answer.text).toMatch(/\w/);
        expect((await findCall(product, answer.headers['x-request-id'] ?? '')).complete).toBe(false);
      }
    });

    test.each([403, 500, 503])(
      'its %i reaches the caller as an error of the dialect, and never as 401',
      async (status) => {
        const answer = await send(dialect, `${FAKE_PROVIDERS[dialect]}/status-${status}`, false);
        expect(answer.timedOut).toBe(false);
        expect([status, 502, 503]).toContain(answer.status);
        expect(DIALECT_CALLS[dialect].errorMessage(parsed(answer.body)), answer.text).toMatch(/\w/);
      },
    );
  });

  test('a page that is called JSON is given to nobody, and the operator is told', async () => {
    const answer = await send('openai', `${FAKE_PROVIDERS.openai}/sends-a-page-as-json`, false);
    expect(answer.status).toBe(502);
    expect(answer.body).toContain('"provider_answer_invalid"');
    await expect.poll(() => product.logs()).toContain(answer.headers['x-request-id']);
  });

  test('a content type in capitals is the same type', async () => {
    for (const stream of [false, true]) {
      const answer = await send('openai', `${FAKE_PROVIDERS.openai}/shouts-its-type`, stream);
      expect(answer.status, answer.text).toBe(200);
      expect(await findCall(product, answer.headers['x-request-id'] ?? '')).toMatchObject({ complete: true });
    }
  });

  test('through its own paths, a compressed answer says that it is, and a compressed error is told in our words', async () => {
    for (const [model, status, encoding] of [
      ['sends-compressed', 200, 'gzip'],
      ['fails-compressed', 400, undefined],
    ] as const) {
      const bytes = rawRequest(`/providers/${FAKE_PROVIDERS.openai}/files`, JSON.stringify({ model }), {
        key: product.firstKey,
      });
      const answer = await rawExchange(product.gatewayUrl, bytes);
      expect(answer.status).toBe(status);
      expect(answer.headers['content-encoding']).toBe(encoding);
      if (encoding === undefined) expect(answer.body).toContain('"provider_refused"');
    }
  });

  test('a provider on whose port nothing listens is told as unavailable', async () => {
    const answer = await send('openai', 'refused/tiny', false);
    expect(answer.status).toBe(502);
    expect((await findCall(product, answer.headers['x-request-id'] ?? '')).code).toBe('provider_unavailable');
  });
});

describe('when the provider fails in mid-answer', () => {
  const whole = [
    'dies-in-mid-body',
    'stalls-in-mid-body',
    'sends-endless-body',
    'says-too-long',
    'sends-bad-chunk',
  ] as const;

  test.each(whole)('%s: the caller is never left with a whole answer, nor with a hang', async (fault) => {
    const answer = await send('openai', `${providerFor('openai', fault ?? '')}/${fault}`, false);
    expect(answer.timedOut).toBe(false);
    if (answer.status === 200) {
      // Cut off: fewer bytes than announced, or a chunked body without its last chunk.
      const announced = Number(answer.headers['content-length'] ?? Number.NaN);
      const cut = Number.isNaN(announced)
        ? !answer.text.endsWith('0\r\n\r\n')
        : Buffer.byteLength(answer.body) < announced;
      expect(cut).toBe(true);
    } else {
      expect([502, 504]).toContain(answer.status);
      expect(DIALECT_CALLS.openai.errorMessage(parsed(answer.body))).toMatch(/\w/);
    }
    expect((await findCall(product, answer.headers['x-request-id'] ?? '')).complete).toBe(false);
  });

  test.each(Object.keys(DIALECT_CALLS) as ClientDialectName[])(
    'a stream that dies or stalls ends in an error event, in the %s dialect',
    async (dialect) => {
      for (const fault of ['dies-in-mid-stream', 'stalls-in-mid-stream']) {
        const answer = await send(dialect, `${providerFor(dialect, fault)}/${fault}`, true);
        expect(answer.timedOut).toBe(false);
        expect(answer.status).toBe(200);
        expect(JSON.stringify(lastEvent(answer.body)), answer.text).toMatch(/error/);
        const call = await findCall(product, answer.headers['x-request-id'] ?? '');
        expect(call.complete).toBe(false);
        expect(['provider_unavailable', 'provider_timeout']).toContain(call.code);
      }
    },
  );

  test('bytes beyond the announced length reach nobody, and the next call is answered rightly', async () => {
    await send('openai', `${FAKE_PROVIDERS.openai}/says-too-short`, false);
    const next = await send('openai', `${FAKE_PROVIDERS.openai}/tiny`, false);
    expect(next.status).toBe(200);
    expect(parsed(next.body)).toMatchObject({ id: 'chatcmpl-fake' });
  });
});

describe('2,000 faulty calls', () => {
  const FAULTS = [
    'dies-before-head',
    'dies-in-mid-body',
    'dies-in-mid-stream',
    'sends-garbage',
    'sends-huge-header',
    'says-too-long',
    'sends-bad-chunk',
    'status-401',
    'status-429',
    'status-500',
  ] as const;
  /** One stalling call in so many: each of them takes the whole timeout. */
  const STALL_EVERY = 40;
  /** V8 and the allocator keep freed pages for a while; a leak of the answers alone would be above this. */
  const RSS_GROWTH_MAX = 96 * 1024 * 1024;
  const HANDLES_GROWTH_MAX = 10;

  function residentBytes(): number {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${product.pid}/status`, 'utf8'));
    return Number(line?.[1]) * 1024;
  }

  function openHandles(): number {
    return readdirSync(`/proc/${product.pid}/fd`).length;
  }

  async function callFaulty(count: number): Promise<void> {
    const pool = new Pool(product.gatewayUrl, { connections: 20, pipelining: 1 });
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < count) {
        const i = next;
        next += 1;
        const fault = i % STALL_EVERY === 0 ? 'stalls-before-head' : FAULTS[i % FAULTS.length];
        const stream = fault === 'dies-in-mid-stream';
        try {
          const answer = await pool.request({
            method: 'POST',
            path: '/v1/chat/completions',
            headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
            body: DIALECT_CALLS.openai.body(`${providerFor('openai', fault ?? '')}/${fault}`, stream),
          });
          await answer.body.dump({ limit: 1_000_000 });
        } catch (error) {
          // A cut answer is an error to the client: the very thing that is tried here.
          if (!(error instanceof Error)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 20 }, caller));
    await pool.destroy();
    // Sockets close, records are written, timers run out.
    await sleep(1_500);
  }

  test.runIf(process.platform === 'linux')(
    `leave memory within ${RSS_GROWTH_MAX / 1024 / 1024} MB and open handles within ${HANDLES_GROWTH_MAX} of where they were`,
    async () => {
      await callFaulty(500);
      const before = { rss: residentBytes(), handles: openHandles() };
      await callFaulty(2_000);
      const after = { rss: residentBytes(), handles: openHandles() };
      expect(after.handles - before.handles).toBeLessThanOrEqual(HANDLES_GROWTH_MAX);
      expect(after.rss - before.rss).toBeLessThanOrEqual(RSS_GROWTH_MAX);
      expect((await send('openai', `${FAKE_PROVIDERS.openai}/tiny`, false)).status).toBe(200);
    },
  );
});
