/** A test of a key shows each step when it is done: the provider here answers only once it is told to. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { createKey, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

const STEPS_BEFORE_CALL = ['form', 'exists', 'secret', 'life-cycle', 'owner', 'scope', 'limits'];
const ALL_STEPS = [...STEPS_BEFORE_CALL, 'call', 'upstream'];
const COMPLETION = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'tiny',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

let held: ServerResponse[] = [];
let upstream: Server;
let product: Product;
beforeAll(async () => {
  upstream = createServer((req, res) => {
    req.resume();
    held.push(res);
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  const config = `providers:\n  held: { dialect: openai, baseUrl: "http://127.0.0.1:${port}/v1", credentials: [{ secret: x }] }\n`;
  product = await startProduct({ config });
});
afterAll(async () => {
  await product.dispose();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});
afterEach(() => release());

function release(): void {
  for (const res of held) res.writeHead(200, { 'content-type': 'application/json' }).end(COMPLETION);
  held = [];
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Asks for a test as a stream; `text` grows while it comes. */
function watch(kid: string, accept: string, body: object) {
  const seen = { text: '' };
  const ended = (async () => {
    const response = await fetch(`${product.adminUrl}/api/v1/keys/${kid}/test`, {
      method: 'POST',
      headers: { authorization: `Bearer ${product.adminToken}`, 'content-type': 'application/json', accept },
      body: JSON.stringify(body),
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) seen.text += next.value;
    return { status: response.status, type: response.headers.get('content-type') };
  })();
  return { seen, ended };
}

interface Line {
  readonly part?: { readonly name: string; readonly outcome: string };
  readonly answer?: { readonly passed: boolean; readonly steps: readonly { readonly name: string }[] };
}
const linesOf = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

test('as lines of JSON, each step comes when it is done, and the whole answer at the end', async () => {
  const { kid, key } = await createKey(product);
  const { seen, ended } = watch(kid, 'application/x-ndjson', { secret: key, model: 'held/tiny' });
  await until(() => held.length === 1);
  // The call is under way, and every step before it was shown already.
  await until(() => linesOf(seen.text).length >= STEPS_BEFORE_CALL.length);
  expect(linesOf(seen.text).map(({ part }) => part?.name)).toEqual(STEPS_BEFORE_CALL);
  release();
  expect(await ended).toEqual({ status: 200, type: 'application/x-ndjson' });
  const lines = linesOf(seen.text);
  expect(lines.map(({ part }) => part?.name ?? 'answer')).toEqual([...ALL_STEPS, 'answer']);
  const answer = lines.at(-1)?.answer;
  expect(answer, seen.text).toMatchObject({ passed: true });
  expect(answer?.steps).toEqual(lines.slice(0, -1).map(({ part }) => part));
  expect(seen.text).not.toContain(key.split('_')[3]);
});

test('as server-sent events, the same', async () => {
  const { kid, key } = await createKey(product);
  const { seen, ended } = watch(kid, 'text/event-stream', { secret: key, model: 'held/tiny' });
  await until(() => held.length === 1 && seen.text.split('\n\n').length > STEPS_BEFORE_CALL.length);
  release();
  expect(await ended).toEqual({ status: 200, type: 'text/event-stream' });
  const events = seen.text.split('\n\n').filter((event) => event !== '');
  expect(events.map((event) => /^event: (.+)\ndata: \{/.exec(event)?.[1])).toEqual([
    ...ALL_STEPS.map(() => 'part'),
    'answer',
  ]);
});

test('a caller that goes away does not end the test, nor the server', async () => {
  const { kid, key } = await createKey(product);
  const gone = new AbortController();
  const response = await fetch(`${product.adminUrl}/api/v1/keys/${kid}/test`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${product.adminToken}`,
      'content-type': 'application/json',
      accept: 'application/x-ndjson',
    },
    body: JSON.stringify({ secret: key, model: 'held/tiny' }),
    signal: gone.signal,
  });
  expect(response.status).toBe(200);
  await until(() => held.length === 1);
  gone.abort();
  release();
  expect(await product.admin('GET', '/status')).toMatchObject({ status: 200 });
});

test('what is refused before the first step is an answer like any other', async () => {
  const nobody = watch('AAAAAAAAAAAA', 'application/x-ndjson', {});
  expect(await nobody.ended).toEqual({ status: 404, type: 'application/problem+json' });
  const { kid } = await createKey(product);
  const wrong = watch(kid, 'text/event-stream', { nonsense: true });
  expect((await wrong.ended).status).toBe(422);
});

test('any other Accept header gets the whole answer at once', async () => {
  const { kid } = await createKey(product);
  for (const accept of ['*/*', 'application/json', 'application/json, application/x-ndjson']) {
    const { seen, ended } = watch(kid, accept, {});
    expect(await ended).toEqual({ status: 200, type: 'application/json' });
    expect(JSON.parse(seen.text)).toMatchObject({ passed: true });
  }
});

test('the typed client tells each step, and answers the whole', async () => {
  const { kid, key } = await createKey(product);
  const client = createClient({ baseUrl: product.adminUrl, token: product.adminToken });
  const told: string[] = [];
  const whole = client.follow('keys.test', { params: { kid }, body: { secret: key, model: 'held/tiny' } }, (step) =>
    told.push(step.name),
  );
  await until(() => held.length === 1 && told.length === STEPS_BEFORE_CALL.length);
  release();
  expect(await whole).toMatchObject({ passed: true, complete: true });
  expect(told).toEqual(ALL_STEPS);
  const nobody = client.follow('keys.test', { params: { kid: 'AAAAAAAAAAAA' } }, () => undefined);
  await expect(nobody).rejects.toMatchObject({ status: 404, code: 'not_found' });
});

test('the command line shows each step when it comes', async () => {
  const { kid, key } = await createKey(product);
  const command = join(import.meta.dirname, '../../bin/keyward.mjs');
  const args = [command, 'keys', 'test', kid, '--secret-env', 'THE_KEY', '--model', 'held/tiny'];
  const env = { ...process.env, KEYWARD_ADMIN_URL: product.adminUrl, KEYWARD_ADMIN_TOKEN: product.adminToken };
  const child = spawn(process.execPath, args, { env: { ...env, THE_KEY: key } });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  const code = new Promise((resolve) => child.on('close', resolve));
  await until(() => held.length === 1 && shown.includes('limits'));
  expect(shown).not.toContain('upstream');
  release();
  expect(await code).toBe(0);
  expect(shown).toMatch(/✓ call .*\n.*✓ upstream .*\n\n.* works: held\/tiny answered/);
});
