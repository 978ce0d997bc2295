import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { selfSigned } from '../self-signed.ts';

const { cert, key } = selfSigned('keyward.test');
const folder = mkdtempSync(join(tmpdir(), 'keyward-tls-'));
let product: Product;

beforeAll(async () => {
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  product = await startProduct({
    args: ['--tls-cert', join(folder, 'cert.pem'), '--tls-key', join(folder, 'key.pem')],
  });
});
afterAll(async () => {
  await product.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function call(
  url: string,
  options: { method: string; headers: Record<string, string>; body?: string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method, headers, body } = options;
    const req = request(url, { method, headers, ca: cert, servername: 'keyward.test' }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => {
        text += chunk;
      });
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: text }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

test('with certificate files a call to the gateway is served over TLS, stream and not', async () => {
  for (const stream of [false, true]) {
    const body = JSON.stringify({ model: 'sandbox/echo', stream, messages: [{ role: 'user', content: 'over TLS' }] });
    const headers = { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' };
    const answer = await call(`${product.gatewayUrl}/v1/chat/completions`, { method: 'POST', headers, body });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('TLS');
    expect(answer.body.includes('[DONE]')).toBe(stream);
  }
});

test('with certificate files the admin API is served over TLS and tells browsers to stay with it', async () => {
  const headers = { authorization: `Bearer ${product.adminToken}` };
  const answer = await call(`${product.adminUrl}/api/v1/status`, { method: 'GET', headers });
  expect(answer.status).toBe(200);
  expect(answer.headers['strict-transport-security']).toMatch(/^max-age=\d+/);
});

test('a live test of a key goes through the gateway’s own port over TLS, whoever signed its certificate', async () => {
  const kid = product.firstKey.split('_')[2] ?? '';
  const headers = { authorization: `Bearer ${product.adminToken}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ secret: product.firstKey });
  const answer = await call(`${product.adminUrl}/api/v1/keys/${kid}/test`, { method: 'POST', headers, body });
  expect(JSON.parse(answer.body), answer.body).toMatchObject({ passed: true, complete: true });
});

test('a listener with TLS does not answer plain HTTP', async () => {
  await expect(fetch(product.gatewayUrl.replace('https:', 'http:'))).rejects.toThrow();
});
