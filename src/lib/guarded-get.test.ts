import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardedGet } from './guarded-get.ts';

let server: Server;
let origin = '';

beforeAll(async () => {
  server = createServer((req, res) => {
    const path = req.url ?? '';
    if (path === '/ok') res.writeHead(200, { 'content-type': 'image/png' }).end('bytes');
    else if (path === '/moved') res.writeHead(302, { location: '/ok' }).end();
    else if (path === '/around') res.writeHead(302, { location: '/around' }).end();
    else if (path === '/large') res.writeHead(200).end(Buffer.alloc(5_000));
    else if (path === '/endless') res.writeHead(200).write('x');
    else if (path === '/cut') res.writeHead(200, { 'content-length': '10' }).write('x', () => res.destroy());
    else res.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function get(url: string, options: { allowPrivate?: boolean; timeoutMs?: number } = {}) {
  return guardedGet({
    url,
    allowPrivate: options.allowPrivate ?? true,
    bytesMax: 1_000,
    timeoutMs: options.timeoutMs ?? 5_000,
    signal: new AbortController().signal,
  });
}

describe("a stranger's URL", () => {
  test('is read, also behind a redirect', async () => {
    for (const path of ['/ok', '/moved']) {
      expect(await get(origin + path)).toEqual({ ok: true, bytes: Buffer.from('bytes'), contentType: 'image/png' });
    }
  });

  test.each([
    ['/around', /redirects more than/],
    ['/large', /more than 1000 bytes/],
    ['/cut', /broke off|could not be reached/],
    ['/missing', /status 404/],
  ])('is given up at %s', async (path, problem) => {
    const result = await get(origin + path);
    expect(result.ok ? '' : result.problem).toMatch(problem);
  });

  test('is given up in time', async () => {
    const result = await get(`${origin}/endless`, { timeoutMs: 200 });
    expect(result.ok).toBe(false);
  });

  test.each([
    'https://127.0.0.1/x',
    'https://localhost/x',
    'https://[::1]/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://169.254.169.254/latest/meta-data',
    'https://0x7f000001/x',
    'https://2130706433/x',
  ])('is not asked for within: %s', async (url) => {
    expect(await get(url, { allowPrivate: false })).toEqual({
      ok: false,
      problem: 'leads to an address that is not of the public internet',
    });
  });

  test.each([
    'http://example.com/x',
    'file:///etc/passwd',
    'https://user@example.com/',
    'nothing',
    'data:text/plain,x',
  ])('must be a plain https URL, not %s', async (url) => {
    expect((await get(url, { allowPrivate: false })).ok).toBe(false);
  });
});
