import { expect, onTestFinished, test } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyward } from '../../src/index.ts';
import { startProduct } from '../product.ts';

test('a folder of keys that a backend began is served by the product, and goes back to the backend', async () => {
  const home = mkdtempSync(join(tmpdir(), 'keyward-folder-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const dataDir = join(home, 'data');
  const backend = await createKeyward({ storage: dataDir });
  const real = { secret: 'sk-real-provider-key-0123456789', baseUrl: 'https://api.example.com' };
  const { key, kid } = await backend.keys.create({ name: 'of the backend', real, limits: { uses: 3 } });
  await backend.verify(key);
  await backend.close();

  const product = await startProduct({ dataDir });
  onTestFinished(() => product.dispose());
  expect(await product.admin('GET', `/keys/${kid}`)).toMatchObject({ status: 200, body: { name: 'of the backend' } });
  const answer = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  expect(answer.status).toBe(200);
  expect(await product.stop()).toBe(0);

  const again = await createKeyward({ storage: dataDir });
  onTestFinished(() => again.close());
  expect(await again.verify(key)).toMatchObject({ allowed: true });
  // One use here, one there, one here: counts are of the key, whoever serves it.
  expect(await again.verify(key)).toMatchObject({ code: 'uses_exhausted' });
});
