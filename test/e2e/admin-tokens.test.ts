/** Admin tokens through the real product: sockets, addresses, restarts, the command line. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct({ workers: 1 });
});
afterAll(() => product.dispose());

interface Token {
  readonly kid: string;
  readonly token: string;
  readonly fingerprint: string;
}

async function createToken(body: object): Promise<Token> {
  const made = await product.admin('POST', '/admin-tokens', { name: 'ci', permissions: ['keys:read'], ...body });
  expect([made.status, made.body]).toMatchObject([201, {}]);
  return made.body as Token;
}

async function ask(token: string, from: Product = product) {
  const answer = await fetch(`${from.adminUrl}/api/v1/keys`, { headers: { authorization: `Bearer ${token}` } });
  const { code = 'ok' } = (await answer.json()) as { readonly code?: string };
  return { status: answer.status, code, requestId: answer.headers.get('x-request-id') ?? '' };
}

function keyward(args: readonly string[], token: string): Promise<{ readonly code: number; readonly text: string }> {
  const command = [join(import.meta.dirname, '../../bin/keyward.mjs'), ...args];
  const env = { ...process.env, KEYWARD_ADMIN_URL: product.adminUrl, KEYWARD_ADMIN_TOKEN: token };
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
    );
  });
}

test('a token is accepted from its networks only, and explain tells why, check by check', async () => {
  const here = await createToken({ addresses: ['127.0.0.0/8', '::1'] });
  expect(await ask(here.token)).toMatchObject({ status: 200 });
  const elsewhere = await createToken({ addresses: ['10.0.0.0/8'] });
  const refused = await ask(elsewhere.token);
  expect(refused).toMatchObject({ status: 403, code: 'address_denied' });
  const told = await keyward(['explain', refused.requestId], product.adminToken);
  expect(told.code).toBe(0);
  expect(told.text).toContain(`The admin token ${elsewhere.fingerprint} "ci" asked GET /api/v1/keys from 127.0.0.1`);
  expect(told.text).toMatch(/✗ address .*10\.0\.0\.0\/8/);
  expect(told.text).toContain(`PATCH /api/v1/admin-tokens/${elsewhere.kid}`);
  expect(product.logs() + told.text).not.toContain(elsewhere.token.slice(22));
});

test('the command line works with a token, and with no more than it holds', async () => {
  const { token } = await createToken({});
  expect((await keyward(['keys', 'list'], token)).code).toBe(0);
  const refused = await keyward(['keys', 'create', '--name', 'x'], token);
  expect([refused.code, refused.text]).toMatchObject([1, expect.stringContaining('keys:create')]);
});

test('revoking is in force with the next call, and stays over a restart; the operator is never shut out', async () => {
  const token = await createToken({ permissions: ['*'] });
  const kept = await createToken({});
  expect(await ask(token.token)).toMatchObject({ status: 200 });
  const { status } = await product.admin('POST', `/admin-tokens/${token.kid}/revoke`, { reason: 'over' });
  expect(status).toBe(200);
  expect(await ask(token.token)).toMatchObject({ status: 401, code: 'revoked' });
  const workspaces = await product.admin('GET', '/workspaces');
  const [workspace] = (workspaces.body as { readonly items: readonly { readonly id: string }[] }).items;
  await product.stop();
  const again = await startProduct({ dataDir: product.dataDir, workers: 1 });
  try {
    expect(await ask(token.token, again)).toMatchObject({ status: 401, code: 'revoked' });
    expect(await ask(kept.token, again)).toMatchObject({ status: 200 });
    const disabled = await again.admin('PATCH', `/workspaces/${workspace?.id ?? ''}`, { state: 'disabled' });
    expect(disabled.status).toBe(200);
    expect(await ask(kept.token, again)).toMatchObject({ status: 403, code: 'workspace_disabled' });
    expect(await ask(again.adminToken, again)).toMatchObject({ status: 200 });
  } finally {
    await again.dispose();
  }
});
