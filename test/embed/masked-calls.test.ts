import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished, describe, expect, test, vi } from 'vitest';
import { codeOf, listen, REAL_SECRET, received, startBackend } from './backend.ts';

describe('a masked key', () => {
  test('reaches the provider as the real key, and only as that', async () => {
    const { issue, chat, provider } = await startBackend();
    const { key } = await issue();
    const answer = await chat(key);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: 'The fake vendor says hello.' } }] });
    expect(received(provider, 'authorization')).toBe(`Bearer ${REAL_SECRET}`);
    expect(provider.received()).not.toContain(key);
  });

  test('keeps working when the real key is rotated, and reaches the provider as the new one at once', async () => {
    const { issue, chat, provider, keyward } = await startBackend();
    const { key, kid, realId } = await issue();
    const other = await issue({ name: 'of the same real key', real: { id: realId ?? '' } });
    await chat(key);
    await chat(other.key);
    await keyward.keys.rotateReal(kid, 'sk-the-next-real-key-9876543210');
    for (const text of [key, other.key]) {
      expect((await chat(text)).status).toBe(200);
      expect(received(provider, 'authorization')).toBe('Bearer sk-the-next-real-key-9876543210');
    }
    await keyward.keys.rotateReal(realId ?? '', 'sk-and-one-more-real-key-555555');
    await chat(key);
    expect(received(provider, 'authorization')).toBe('Bearer sk-and-one-more-real-key-555555');
  });

  test('is rotated without touching the real one: both work in the overlap, the old one not after it', async () => {
    const { issue, chat, provider, keyward } = await startBackend();
    const { key, kid } = await issue();
    const next = await keyward.keys.rotate(kid, { overlap: '1h' });
    const inOverlap = await chat(key);
    expect(inOverlap.status).toBe(200);
    expect(inOverlap.headers.get('deprecation')).toMatch(/^@\d+$/);
    expect((await chat(next.key)).status).toBe(200);
    const last = await keyward.keys.rotate(kid, { overlap: '0s' });
    expect(await Promise.all([key, next.key].map(async (text) => codeOf(await chat(text))))).toEqual([
      'superseded',
      'superseded',
    ]);
    expect((await chat(last.key)).status).toBe(200);
    expect(received(provider, 'authorization')).toBe(`Bearer ${REAL_SECRET}`);
  });

  test('is stopped by revoke and suspend before they return, and resumes', async () => {
    const { issue, chat, keyward, provider } = await startBackend();
    const { key, kid } = await issue();
    await chat(key);
    await keyward.keys.suspend(kid, { reason: 'looked odd' });
    expect(await codeOf(await chat(key))).toBe('suspended');
    await keyward.keys.resume(kid);
    expect((await chat(key)).status).toBe(200);
    await keyward.keys.revoke(kid);
    expect(await codeOf(await chat(key))).toBe('revoked');
    expect(provider.requests).toHaveLength(2);
    await expect(keyward.keys.resume(kid)).rejects.toThrow(/cannot become active/);
  });

  test('is refused beyond its scopes without a call to the provider', async () => {
    const { issue, chat, url, provider } = await startBackend();
    const { key } = await issue({
      scopes: { models: ['acme/small*'], endpoints: ['POST /v1/chat/*'] },
      real: { secret: REAL_SECRET, baseUrl: provider.origin, provider: 'acme' },
    });
    expect((await chat(key, 'small-1')).status).toBe(200);
    expect(await codeOf(await chat(key, 'large'))).toBe('model_denied');
    const elsewhere = await fetch(`${url}/v1/files`, { headers: { 'x-api-key': key } });
    expect(await codeOf(elsewhere)).toBe('endpoint_denied');
    expect(provider.requests).toHaveLength(1);
  });

  test('mints temporary keys that stand for the same real key and spend of it', async () => {
    const { issue, chat, keyward, provider } = await startBackend();
    const { kid } = await issue({ limits: { uses: 2 } });
    const minted = await keyward.keys.mint(kid, { ttl: '60s', session: 'order-1' });
    expect(minted.key).toMatch(/^kwt_live_/);
    expect(await codeOf(await chat(minted.key))).toBe('binding_denied');
    const free = await keyward.keys.mint(kid);
    expect([(await chat(free.key)).status, (await chat(free.key)).status]).toEqual([200, 200]);
    expect(received(provider, 'authorization')).toBe(`Bearer ${REAL_SECRET}`);
    expect(await codeOf(await chat(free.key))).toBe('ancestor_exhausted');
    const wider = keyward.keys.update(free.kid, { limits: { uses: 3 } });
    await expect(wider).rejects.toMatchObject({ code: 'delegation_widens' });
  });
});

describe('a provider that nobody knows', () => {
  test('is called by its own paths, methods and headers, with the key where its own client puts it', async () => {
    const seen: { readonly req: IncomingMessage; readonly body: string }[] = [];
    const provider = createServer((req, res) => {
      let body = '';
      req.on('data', (chunk: Buffer) => (body += chunk.toString()));
      req.on('end', () => {
        seen.push({ req, body });
        res.writeHead(201, { 'content-type': 'application/x-zog', 'x-zog-trace': 't-1', 'x-ratelimit-left': '9' });
        res.end('zog says hello');
      });
    });
    const origin = await listen(provider);
    onTestFinished(() => void provider.close());
    const { keyward, url } = await startBackend();
    const { key } = await keyward.keys.create({
      name: 'zog',
      real: { secret: 'zog-real-secret-42', baseUrl: `${origin}/zog/v9`, header: 'X-Zog-Auth', prefix: 'Token ' },
    });
    const answer = await fetch(`${url}/things/7?deep=yes`, {
      method: 'PUT',
      headers: { 'x-zog-auth': `Token ${key}`, 'x-zog-version': '2026-11', 'content-type': 'text/zog', cookie: 'a=b' },
      body: 'zog zog',
    });
    expect([answer.status, await answer.text()]).toEqual([201, 'zog says hello']);
    expect(answer.headers.get('x-zog-trace')).toBe('t-1');
    expect(answer.headers.get('x-ratelimit-left')).toBeNull();
    const { req, body } = seen[0] ?? { req: null, body: '' };
    expect([req?.method, req?.url, body]).toEqual(['PUT', '/zog/v9/things/7?deep=yes', 'zog zog']);
    expect(req?.headers).toMatchObject({
      'x-zog-auth': 'Token zog-real-secret-42',
      'x-zog-version': '2026-11',
      'content-type': 'text/zog',
    });
    expect(req?.headers.cookie).toBeUndefined();
    expect(JSON.stringify(req?.rawHeaders)).not.toContain(key);
    expect((await keyward.calls.list()).items).toMatchObject([
      { status: 201, code: 'ok', provider: new URL(origin).host },
    ]);
  });

  test('may use a known path in a form of its own', async () => {
    const { issue, url, provider } = await startBackend();
    const { key } = await issue();
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'api-key': key, 'content-type': 'text/plain' },
      body: 'not JSON',
    });
    expect(answer.status).toBe(200);
    expect(provider.requests.at(-1)?.body.toString()).toBe('not JSON');
  });

  test('cannot send the real key back, in headers or in a body, in one piece or in several', async () => {
    const pieces = ['{"seen":"Bearer sk-real-prov', 'ider-key-0123', '456789"}'];
    const provider = createServer((_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'x-echo': `Bearer ${REAL_SECRET}` });
      const next = (): void => {
        const piece = pieces.shift();
        if (piece === undefined) res.end();
        else res.write(piece, () => setTimeout(next, 20));
      };
      next();
    });
    const origin = await listen(provider);
    onTestFinished(() => void provider.close());
    const { issue, url } = await startBackend();
    const { key } = await issue({ real: { secret: REAL_SECRET, baseUrl: origin } });
    const answer = await fetch(`${url}/echo`, { headers: { authorization: `Bearer ${key}` } });
    const stars = '*'.repeat(REAL_SECRET.length);
    expect(answer.headers.get('x-echo')).toBe(`Bearer ${stars}`);
    expect(await answer.text()).toBe(`{"seen":"Bearer ${stars}"}`);
  });
});

describe('a stream', () => {
  test('passes as it comes, and is metered', async () => {
    const { issue, chat, keyward } = await startBackend();
    const { key } = await issue();
    const answer = await chat(key, 'tiny', { stream: true, stream_options: { include_usage: true } });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(await answer.text()).toMatch(/data: \[DONE\]\n\n$/);
    expect((await keyward.calls.list()).items[0]).toMatchObject({
      stream: true,
      inputTokens: 11,
      outputTokens: 7,
      complete: true,
    });
  });

  test.each(['node', 'fetch'] as const)('that the caller leaves ends at the provider too (%s)', async (kind) => {
    const { issue, url, provider, keyward } = await startBackend();
    const { key } = await issue();
    const init = {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'slow-stream', stream: true, messages: [] }),
    };
    const abort = new AbortController();
    const target = `${url}/v1/chat/completions`;
    const answer =
      kind === 'node'
        ? await fetch(target, { ...init, signal: abort.signal })
        : await keyward.handler({ basePath: '/proxy' }).fetch(new Request(target, init));
    const reader = answer.body?.getReader();
    await reader?.read();
    expect(provider.requests[0]?.abortedAtMs).toBeNull();
    if (kind === 'node') abort.abort();
    else await reader?.cancel();
    await vi.waitFor(() => expect(provider.requests[0]?.abortedAtMs).not.toBeNull());
    await vi.waitFor(async () => expect((await keyward.calls.list()).items[0]?.code).toBe('client_closed'));
  });

  test.each(['node', 'fetch'] as const)(
    'that the caller does not read is not read from the provider either (%s)',
    async (kind) => {
      let sent = 0;
      const provider = createServer((_req, res) => {
        res.writeHead(200, { 'content-type': 'application/octet-stream' });
        const piece = Buffer.alloc(256 * 1024);
        const push = (): void => {
          while (!res.destroyed && sent < 400) {
            sent += 1;
            if (!res.write(piece)) return void res.once('drain', push);
          }
          res.end();
        };
        push();
      });
      const origin = await listen(provider);
      onTestFinished(() => provider.closeAllConnections());
      onTestFinished(() => void provider.close());
      const { issue, url, keyward } = await startBackend();
      const { key } = await issue({ real: { secret: REAL_SECRET, baseUrl: origin } });
      const headers = { authorization: `Bearer ${key}` };
      let leave: () => unknown;
      if (kind === 'node') {
        const answer = await new Promise<IncomingMessage>((resolve) => {
          httpRequest(`${url}/big`, { headers }, resolve).end();
        });
        answer.pause();
        leave = () => answer.destroy();
      } else {
        const answer = await keyward.handler({ basePath: '/proxy' }).fetch(new Request(`${url}/big`, { headers }));
        leave = () => answer.body?.cancel();
      }
      await sleep(500);
      const before = sent;
      await sleep(300);
      // What fits into the buffers of the sockets between is far less than the 100 MB of the answer.
      expect(sent).toBe(before);
      expect(sent).toBeLessThan(200);
      await leave();
    },
  );
});

test('an answer that the caller never takes is cut in its time, at the provider too', async () => {
  let isClosed = false;
  const provider = createServer((_req, res) => {
    res.on('close', () => (isClosed = true));
    res.writeHead(200, { 'content-type': 'application/octet-stream' });
    for (let i = 0; i < 100; i += 1) res.write(Buffer.alloc(256 * 1024));
  });
  const origin = await listen(provider);
  onTestFinished(() => provider.closeAllConnections());
  onTestFinished(() => void provider.close());
  const { issue, keyward } = await startBackend();
  const { key } = await issue({ real: { secret: REAL_SECRET, baseUrl: origin } });
  const server = createServer(keyward.handler({ writeStallMs: 200 }));
  const url = await listen(server);
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  const headers = { authorization: `Bearer ${key}` };
  const overSocket = await new Promise<IncomingMessage>((resolve) => {
    httpRequest(`${url}/big`, { headers }, resolve).end();
  });
  overSocket.on('error', () => undefined).pause();
  await vi.waitFor(() => expect(isClosed).toBe(true), { timeout: 5_000 });
  isClosed = false;
  const fetched = await keyward.handler({ writeStallMs: 200 }).fetch(new Request(`${url}/big`, { headers }));
  await vi.waitFor(() => expect(isClosed).toBe(true), { timeout: 5_000 });
  await expect(fetched.arrayBuffer()).rejects.toThrow(/not taken in time/);
  expect((await keyward.calls.list()).items.map(({ code }) => code)).toEqual(['client_closed', 'client_closed']);
});

describe('limits', () => {
  test('on uses are exact under calls at the same time', async () => {
    const { issue, chat, provider } = await startBackend();
    const { key } = await issue({ limits: { uses: 20 } });
    const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await chat(key)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(40);
    expect(provider.requests).toHaveLength(20);
  });

  test('on calls at the same time hold until the answer is out', async () => {
    const { issue, chat, provider } = await startBackend();
    const { key } = await issue({ limits: { concurrency: 1 } });
    const slow = await chat(key, 'slow-stream-10', { stream: true });
    expect(await codeOf(await chat(key))).toBe('concurrency_limited');
    await slow.text();
    expect((await chat(key)).status).toBe(200);
    expect(provider.requests).toHaveLength(2);
  });

  test('on money count what the provider said, at the price of the real key', async () => {
    const { issue, chat, provider, keyward } = await startBackend();
    const priced = { secret: REAL_SECRET, baseUrl: provider.origin, prices: { '*': { input: 1000, output: 1000 } } };
    // The stated usage is 18 tokens, which is 0.018 USD; 10 output tokens are reserved with the prompt.
    const { key } = await issue({ real: priced, limits: { budgets: [{ usd: 0.09, period: 'total' }] } });
    const spend = async (): Promise<number> => (await chat(key, 'tiny', { max_tokens: 10 })).status;
    expect(await spend()).toBe(200);
    expect((await keyward.calls.list()).items[0]).toMatchObject({ costNanoUsd: 18_000_000 });
    expect([await spend(), await spend(), await spend()].at(-1)).toBe(429);
    const without = await issue({ limits: { budgets: [{ usd: 1, period: 'total' }] } });
    expect(await codeOf(await chat(without.key))).toBe('price_unknown');
  });
});
