import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createKeyward } from '../../src/index.ts';
import { listen, REAL_SECRET } from './backend.ts';

const CALLS = 5_000;
const KEYS = 10;
/** Of each key; half of its calls pass. */
const USES = 250;
const AT_A_TIME = 50;

test('5,000 masked calls: none lost, none counted twice, limits exact, through rotations of both sides and a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-many-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const storage = join(folder, 'data');
  const reached = new Map<string, number>();
  const provider = createServer((req, res) => {
    const secret = req.headers.authorization ?? '';
    reached.set(secret, (reached.get(secret) ?? 0) + 1);
    res.setHeader('content-type', 'application/json').end('{}');
  });
  const baseUrl = await listen(provider);
  onTestFinished(() => provider.closeAllConnections());
  onTestFinished(() => void provider.close());

  let keyward = await createKeyward({ storage });
  const keys = await Promise.all(
    Array.from({ length: KEYS }, (_, i) =>
      keyward.keys.create({
        name: `key ${i}`,
        real: { secret: `${REAL_SECRET}-${i}`, baseUrl },
        limits: { uses: USES },
      }),
    ),
  );
  const texts = keys.map(({ key }) => key);
  const statuses = new Map<number, number>();
  let handler = keyward.handler();
  const call = async (i: number): Promise<void> => {
    const headers = { authorization: `Bearer ${texts[i % KEYS] ?? ''}` };
    const answer = await handler.fetch(new Request('http://localhost/v1/anything', { headers }));
    await answer.text();
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
  };
  for (let done = 0; done < CALLS; done += AT_A_TIME) {
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, i) => call(done + i)));
    if (done === 1000) await keyward.keys.rotateReal(keys[0]?.kid ?? '', `${REAL_SECRET}-rotated`);
    if (done === 1500) texts[1] = (await keyward.keys.rotate(keys[1]?.kid ?? '', { overlap: '0s' })).key;
    if (done !== 2000) continue;
    await keyward.close();
    keyward = await createKeyward({ storage });
    handler = keyward.handler();
  }

  expect(Object.fromEntries(statuses)).toEqual({ 200: KEYS * USES, 429: CALLS - KEYS * USES });
  expect([...reached.values()].reduce((sum, count) => sum + count, 0)).toBe(KEYS * USES);
  expect((reached.get(`Bearer ${REAL_SECRET}-0`) ?? 0) + (reached.get(`Bearer ${REAL_SECRET}-rotated`) ?? 0)).toBe(
    USES,
  );
  expect(reached.get(`Bearer ${REAL_SECRET}-rotated`)).toBe(USES - 105);
  await keyward.close();
  const again = await createKeyward({ storage });
  onTestFinished(() => again.close());
  const sums = await again.usage();
  expect(sums.map(({ calls }) => calls)).toEqual(Array.from({ length: KEYS }, () => CALLS / KEYS));
  expect(sums.map(({ failedCalls }) => failedCalls)).toEqual(Array.from({ length: KEYS }, () => CALLS / KEYS - USES));
});
