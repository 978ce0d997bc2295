import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

const GUIDE = join(import.meta.dirname, '../../docs/guide/rotation.md');
const folder = mkdtempSync(join(tmpdir(), 'keyward-receiver-'));

let product: Product;
let receiver: ChildProcess | null = null;
beforeAll(async () => {
  product = await startProduct({ config: 'webhooks: { allowPrivate: true }\n' });
});
afterAll(async () => {
  receiver?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  await product.dispose();
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

test('the receiver in the guide opens the sealed secret of a rotation, and that secret calls', async () => {
  const source = /```js\n([\s\S]*?)```/.exec(readFileSync(GUIDE, 'utf8'))?.[1] ?? '';
  const path = join(folder, 'receiver.mjs');
  writeFileSync(path, source);
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const port = await freePort();
  const { body: webhook, status } = await product.admin('POST', '/webhooks', {
    name: 'vault',
    url: `http://127.0.0.1:${port}/`,
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64'),
  });
  expect(status).toBe(201);
  const { id, secret } = webhook as { id: string; secret: string };
  let output = '';
  receiver = spawn(process.execPath, [path], {
    env: {
      PORT: String(port),
      SIGNING_SECRET: secret,
      PRIVATE_KEY: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  receiver.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));

  const { kid } = await createKey(product);
  const rotated = await product.admin('POST', `/keys/${kid}/rotate`, { deliver: 'webhook', webhookId: id });
  expect(rotated).toMatchObject({ status: 200, body: { key: null, revealLink: null } });
  await expect.poll(() => output, { timeout: 20_000 }).toMatch(new RegExp(`^kwk_live_${kid}_\\w+\\n$`));
  const answer = await fetch(`${product.gatewayUrl}/v1/models`, {
    headers: { authorization: `Bearer ${output.trim()}` },
  });
  expect(answer.status).toBe(200);
  const states = async (): Promise<readonly string[]> => {
    const { body } = await product.admin('GET', `/webhooks/${id}/deliveries`);
    return (body as { items: { state: string }[] }).items.map(({ state }) => state);
  };
  await expect.poll(states).toEqual(['delivered']);
});
