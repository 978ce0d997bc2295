/** What the handler does with requests that are not as they should be, through sockets and through fetch. */
import { createServer } from 'node:http';
import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listen, codeOf, REAL_SECRET, startBackend } from './backend.ts';
import type { Backend } from './backend.ts';

/** The same request by the backend's server and by `handler.fetch`. */
const WAYS: readonly (readonly [string, (backend: Backend, path: string, init: RequestInit) => Promise<Response>])[] = [
  ['a server', ({ url }, path, init) => fetch(new URL(path, url), init)],
  [
    'fetch',
    ({ keyward }, path, init) =>
      keyward.handler({ basePath: '/proxy' }).fetch(new Request(`http://localhost${path}`, init)),
  ],
];

describe.each(WAYS)('through %s', (_name, send) => {
  test('a call without a key, or with two, reaches nobody', async () => {
    const backend = await startBackend();
    const { key } = await backend.issue();
    const other = await backend.issue();
    expect(await codeOf(await send(backend, '/proxy/v1/models', {}))).toBe('missing_credential');
    const headers = { authorization: `Bearer ${key}`, 'x-api-key': other.key };
    expect(await codeOf(await send(backend, '/proxy/v1/models', { headers }))).toBe('multiple_credentials');
    const inQuery = await send(backend, `/proxy/v1/models?token=${key}`, { headers: { 'x-api-key': key } });
    expect(await codeOf(inQuery)).toBe('credential_in_query');
    expect(
      await codeOf(
        await send(backend, '/proxy/v1/models', { headers: { 'x-api-key': 'sk-proj-Qm7zKx81bLwe93PfTu2r' } }),
      ),
    ).toBe('provider_key_sent_to_gateway');
    expect(backend.provider.requests).toHaveLength(0);
  });

  test('paths that are not below the base path, climb out of it or are no plain paths are refused', async () => {
    const backend = await startBackend();
    const { key } = await backend.issue();
    const codes = await Promise.all(
      ['/v1/models', '/proxyv1/models', '/proxy', '/proxy/a%2f..%2fmodels', '/proxy/a%00b'].map(async (path) =>
        codeOf(await send(backend, path, { headers: { 'x-api-key': key } })),
      ),
    );
    expect(codes).toEqual(['path_not_found', 'path_not_found', 'path_not_found', 'invalid_target', 'invalid_target']);
    expect(await codeOf(await send(backend, '/proxy/x', { method: 'OPTIONS', headers: { 'x-api-key': key } }))).toBe(
      'method_not_allowed',
    );
    expect(backend.provider.requests).toHaveLength(0);
  });

  test('a body beyond the bound is refused, and the next call goes on', async () => {
    const backend = await startBackend({ gateway: { bodyBytesMax: 1000 } });
    const { key } = await backend.issue();
    const post = (body: string): Promise<Response> =>
      send(backend, '/proxy/v1/things', { method: 'POST', headers: { 'x-api-key': key }, body });
    expect(await codeOf(await post('x'.repeat(1001)))).toBe('body_too_large');
    expect((await post('x'.repeat(1000))).status).toBe(200);
    expect(backend.provider.requests).toHaveLength(1);
  });

  test.each([
    [401, 502, 'credential_rejected'],
    [429, 429, 'provider_quota'],
    [500, 502, 'provider_unavailable'],
    [404, 404, undefined],
  ])('a %i of the provider is the caller’s %i', async (status, told, code) => {
    const backend = await startBackend();
    const { key } = await backend.issue();
    const answer = await send(backend, '/proxy/v1/chat/completions', {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({ model: `status-${status}`, messages: [] }),
    });
    expect(answer.status).toBe(told);
    if (code !== undefined) expect(await codeOf(answer)).toBe(code);
    const text = JSON.stringify([backend.logs, backend.events, (await backend.keyward.calls.list()).items]);
    expect(text).not.toContain(REAL_SECRET);
    expect(text).not.toContain(key);
  });

  test('an answer that breaks off is cut, and recorded as broken', async () => {
    const backend = await startBackend();
    const { key } = await backend.issue();
    const answer = await send(backend, '/proxy/v1/chat/completions', {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'dies-in-mid-stream', stream: true, messages: [] }),
    });
    expect(await answer.text()).toContain('provider_unavailable');
    expect((await backend.keyward.calls.list()).items).toMatchObject([
      { code: 'provider_unavailable', complete: false },
    ]);
  });

  test('HEAD and answers without a body pass', async () => {
    const provider = createServer((_req, res) => void res.writeHead(204, { 'x-there': 'yes' }).end());
    const baseUrl = await listen(provider);
    onTestFinished(() => void provider.close());
    onTestFinished(() => provider.closeAllConnections());
    const backend = await startBackend();
    const { key } = await backend.issue({ real: { secret: REAL_SECRET, baseUrl } });
    for (const method of ['HEAD', 'DELETE']) {
      const answer = await send(backend, '/proxy/thing', { method, headers: { 'x-api-key': key } });
      expect([answer.status, answer.headers.get('x-there'), await answer.text()]).toEqual([204, 'yes', '']);
    }
  });
});

test('a handler behind a body parser says so to operators, and sends no half a call', async () => {
  const { keyward, issue, provider, logs } = await startBackend();
  const { key } = await issue();
  const app = express();
  app.use(express.json());
  app.use('/proxy', keyward.handler({ basePath: '/proxy' }));
  const server = createServer(app);
  const origin = await listen(server);
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  const answer = await fetch(`${origin}/proxy/v1/things`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: '{}',
  });
  expect(await codeOf(answer)).toBe('internal_error');
  expect(JSON.stringify(logs)).toContain('mount the handler before any body parser');
  expect(provider.requests).toHaveLength(0);
});
