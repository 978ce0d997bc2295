import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { createGithub, signedReport } from '../leak-reports.ts';
import type { SignedBody } from '../leak-reports.ts';
import { createKey, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

const SECRET = 'what the scanner of this test signs with';
const REFUSED_MS_MAX = 5000;
const github = createGithub();

let product: Product;
beforeAll(async () => {
  const pem = github.pem
    .trim()
    .split('\n')
    .map((line) => `        ${line}`)
    .join('\n');
  product = await startProduct({
    workers: 3,
    env: { LEAK_REPORT_SECRET: SECRET },
    config: `leaks:
  github:
    keys:
      ${github.keyId}: |
${pem}
  report:
    secrets: ["\${LEAK_REPORT_SECRET}"]
`,
  });
});
afterAll(() => product.dispose());

async function status(key: string): Promise<number> {
  const answer = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', connection: 'close' },
    body: DIALECT_CALLS.openai.body('sandbox/echo', false),
  });
  await answer.arrayBuffer();
  return answer.status;
}

const statuses = async (key: string, calls: number) =>
  new Set(await Promise.all(Array.from({ length: calls }, () => status(key))));

async function post(path: string, { body, headers }: SignedBody): Promise<Response> {
  return fetch(`${product.adminUrl}${path}`, { method: 'POST', headers, body });
}

test.each([
  ['/leaks/report', (key: string) => signedReport(SECRET, [key], Date.now())],
  ['/leaks/github', (key: string) => github.report([key])],
])('after a signed report to %s the key is refused on every worker well within five seconds', async (path, sign) => {
  const { key } = await createKey(product);
  expect(await statuses(key, 30)).toEqual(new Set([200]));
  const from = performance.now();
  const answer = await post(path, sign(key));
  expect(answer.status).toBe(200);
  // Each call over a connection of its own: the system hands them to any of the workers.
  expect(await statuses(key, 60)).toEqual(new Set([401]));
  expect(performance.now() - from).toBeLessThan(REFUSED_MS_MAX);
  await sleep(100);
  expect(product.logs()).not.toContain(key.slice(22));
});

test('a report that nobody signed changes nothing', async () => {
  const { key } = await createKey(product);
  const { body } = github.report([key]);
  for (const path of ['/leaks/report', '/leaks/github']) {
    expect((await post(path, { body, headers: {} })).status).toBe(401);
  }
  expect(await statuses(key, 10)).toEqual(new Set([200]));
});
