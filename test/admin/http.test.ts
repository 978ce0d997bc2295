import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAdminServer } from '../../src/admin/listener.ts';
import { TOKEN, createAdminFixture } from './admin-fixture.ts';
import { rawExchange } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';
import type { AdminFixture, SendOptions } from './admin-fixture.ts';

let admin: AdminFixture;
beforeAll(async () => {
  admin = await createAdminFixture();
});
afterAll(() => admin.dispose());

async function expectProblem(response: Response, status: number, code: string): Promise<Record<string, unknown>> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await response.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({ status, code, type: `/api/docs#error-${code}` });
  expect(problem['requestId']).toBe(response.headers.get('x-request-id'));
  expect(JSON.stringify(problem)).not.toMatch(/\bat .+:\d+:\d+|node_modules/);
  return problem;
}

describe('what is not right is answered with a problem', () => {
  test('an unknown path', async () => {
    for (const path of ['/', '/api', '/api/v1', '/api/v1/keys/', '/api/v2/keys', '/api/v1/keys/a/b/c']) {
      await expectProblem(await admin.send('GET', path), 404, 'not_found');
    }
  });

  test('a method that the path does not take, with those that it takes', async () => {
    const answer = await admin.send('PUT', '/api/v1/keys');
    expect(answer.headers.get('allow')).toBe('POST, GET, HEAD');
    await expectProblem(answer, 405, 'method_not_allowed');
    await expectProblem(await admin.send('OPTIONS', '/api/v1/keys/AAAAAAAAAAAA'), 405, 'method_not_allowed');
    await expectProblem(await admin.send('POST', '/api/openapi.json'), 405, 'method_not_allowed');
  });

  test.each([['text/plain'], ['application/x-www-form-urlencoded'], ['application/jsonp'], ['']])(
    'a body that is %j',
    async (type) => {
      const headers = { 'content-type': type };
      await expectProblem(
        await admin.send('POST', '/api/v1/keys', { body: '{"name":"x"}', headers }),
        415,
        'unsupported_media_type',
      );
    },
  );

  test.each(['{', '{"name":', 'name=x', '{"name":"x"}x', '\u{feff}x'])('malformed JSON: %j', async (body) => {
    await expectProblem(await admin.send('POST', '/api/v1/keys', { body }), 400, 'invalid_json');
  });

  test.each([
    ['{"name":"one","name":"two"}', 'name'],
    ['{"name":"one","n\\u0061me":"two"}', 'name'],
    ['{"name":"k","limits":{"budgets":[{"usd":1,"period":"day","usd":100}]}}', 'limits.budgets[0].usd'],
  ])('a member that stands twice is refused and named: %s', async (body, field) => {
    const answer = await admin.send('POST', '/api/v1/keys', { body });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      code: 'validation_failed',
      errors: [{ in: 'body', field, message: 'must be given only once' }],
    });
  });

  test('a body over one megabyte, whether or not its length is announced', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(1024 * 1024) });
    await expectProblem(await admin.send('POST', '/api/v1/keys', { body }), 413, 'body_too_large');
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: new Response(body).body, duplex: 'half' as const };
    await expectProblem(
      await admin.app.fetch(new Request('http://localhost/api/v1/keys', init)),
      413,
      'body_too_large',
    );
  });

  test('an unknown or repeated query parameter', async () => {
    const problem = await expectProblem(
      await admin.send('GET', '/api/v1/keys?limit=5&limit=6&page=2'),
      422,
      'validation_failed',
    );
    expect(problem['errors']).toEqual([
      { in: 'query', field: 'page', message: 'is not a known field' },
      { in: 'query', field: 'limit', message: 'must be given only once' },
    ]);
  });

  test('a host name that is not its own', async () => {
    const at = (host: string, options: SendOptions = {}) =>
      admin.app.request(`http://${host}/api/v1/status`, {
        headers: { authorization: `Bearer ${TOKEN}`, ...options.headers },
      });
    await expectProblem(await at('evil.example'), 400, 'invalid_host');
    for (const host of ['localhost:8081', '127.0.0.1', '[::1]:8081', '192.168.1.7', 'admin.example.com']) {
      expect((await at(host)).status).toBe(200);
    }
  });
});

test('every answer has a request id and the headers that keep browsers out', async () => {
  const answers = await Promise.all([
    admin.send('GET', '/api/v1/status'),
    admin.send('GET', '/api/v1/status', { token: null }),
    admin.send('GET', '/nowhere'),
    admin.send('GET', '/api/docs', { token: null }),
    admin.send('GET', '/api/openapi.json', { token: null }),
  ]);
  for (const { headers } of answers) {
    expect(headers.get('x-request-id')).toMatch(/^req_\w{20}$/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('strict-transport-security')).toBeNull();
  }
  expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(answers.length);
  const overTls = await admin.app.request('https://localhost/api/v1/status');
  expect(overTls.headers.get('strict-transport-security')).toContain('max-age=');
});

test('the reference page stands alone: no script, nothing from elsewhere, every operation in it', async () => {
  const page = await (await admin.send('GET', '/api/docs', { token: null })).text();
  const document = (await (await admin.send('GET', '/api/openapi.json', { token: null })).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(page).not.toMatch(/<script|\son\w+=|\sstyle=|src=|@import|url\(/i);
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(ids.length).toBeGreaterThan(25);
  expect(ids.filter((id) => !page.includes(`<article id="${id}">`))).toEqual([]);
  const targets = [...page.matchAll(/href="#([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(targets.filter((target) => !page.includes(`id="${target}"`))).toEqual([]);
});

describe('the listener', () => {
  test('serves the app, tells its port, and closes', async () => {
    const server = await startAdminServer({ host: '127.0.0.1', port: 0, app: admin.app });
    const url = `http://127.0.0.1:${server.port}/api/v1/applications`;
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    expect((await fetch(url, { method: 'POST', headers, body: '{"name":"over a socket"}' })).status).toBe(201);
    const { items } = await admin.client.call('audit-events.list', { query: { action: 'applications.create' } });
    expect(items[0]?.clientAddress).toBe('127.0.0.1');
    expect(await statusWithHost(server.port, 'evil.example')).toBe(400);
    await server.close();
    await expect(fetch(url)).rejects.toThrow();
  });

  test('takes a body of any framing, and none, and refuses a wrong method', async () => {
    const server = await startAdminServer({ host: '127.0.0.1', port: 0, app: admin.app });
    const send = (method: string, path: string, lines: readonly string[], body = ''): Promise<RawAnswer> => {
      const head = [
        `${method} ${path} HTTP/1.1`,
        'Host: localhost',
        'Connection: close',
        `Authorization: Bearer ${TOKEN}`,
      ];
      return rawExchange(`http://127.0.0.1:${server.port}`, [...head, ...lines, '', body].join('\r\n'));
    };
    const json = 'Content-Type: application/json';
    const chunked = [json, 'Transfer-Encoding: chunked'];
    const made = await send('POST', '/api/v1/applications', chunked, '16\r\n{"name":"in chunks"}  \r\n0\r\n\r\n');
    expect(made.status, made.text).toBe(201);
    const { id } = JSON.parse(made.body) as { readonly id: string };
    expect((await send('POST', '/api/v1/applications', [json])).status).toBe(422);
    expect((await send('DELETE', `/api/v1/applications/${id}`, [])).status).toBe(200);
    for (const method of ['DELETE', 'OPTIONS', 'PUT']) {
      const answer = await send(method, '/api/v1/applications', []);
      expect([answer.status, answer.headers['allow']]).toEqual([405, 'POST, GET, HEAD']);
    }
    const long = `200000\r\n${'x'.repeat(0x20_00_00)}\r\n0\r\n\r\n`;
    expect((await send('POST', '/api/v1/applications', chunked, long)).status).toBe(413);
    await server.close();
  });

  test('says so when the port is taken', async () => {
    const first = await startAdminServer({ host: '127.0.0.1', port: 0, app: admin.app });
    const second = startAdminServer({ host: '127.0.0.1', port: first.port, app: admin.app });
    await expect(second).rejects.toThrow(`127.0.0.1:${first.port}: the port is taken`);
    await first.close();
  });
});

function statusWithHost(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/api/v1/status', headers: { host } }, (res) => {
      res.resume();
      resolve(res.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
