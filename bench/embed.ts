/**
 * The engine inside of another program: how long verifying and resolving a key take once it is known,
 * and 50,000 masked calls through the handler, counted on both sides. `npm run bench -- --embed
 * [--count N]`. Ends with an error when a call was lost or counted twice.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createKeyward } from '../src/index.ts';
import type { IssuedKey, Keyward } from '../src/index.ts';
import { renderTable } from './table.ts';

const COUNT_DEFAULT = 50_000;
const KEYS = 100;
const AT_A_TIME = 64;
/** An optimising compiler needs some thousand calls. */
const WARM_UP = 20_000;
const BODY = JSON.stringify({ model: 'tiny', messages: [{ role: 'user', content: 'word '.repeat(80) }] });

interface Timing {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
}

/** Microseconds of single awaited calls, one after the other. */
async function time(name: string, count: number, work: (i: number) => Promise<boolean>): Promise<Timing> {
  for (let i = 0; i < WARM_UP; i += 1) if (!(await work(i))) throw new Error(`${name} was refused`);
  const micros = new Float64Array(count);
  const cpuBefore = process.cpuUsage();
  for (let i = 0; i < count; i += 1) {
    const startedAt = performance.now();
    const isRight = await work(i);
    micros[i] = (performance.now() - startedAt) * 1000;
    if (!isRight) throw new Error(`${name} was refused`);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  micros.sort();
  const at = (share: number): number => micros[Math.min(count - 1, Math.floor(count * share))] ?? 0;
  return { name, p50: at(0.5), p99: at(0.99), cpu: (user + system) / count };
}

async function timeEngine(keyward: Keyward, keys: readonly IssuedKey[], count: number): Promise<void> {
  const text = (i: number): string => keys[i % keys.length]?.key ?? '';
  const credential = keyward.backendToken ?? '';
  const facts = { method: 'POST', path: '/v1/chat/completions', operation: 'chat' };
  const timings = [
    await time('verify', count, async (i) => (await keyward.verify(text(i), facts)).allowed),
    await time('verify, one key', count, async () => (await keyward.verify(text(0), facts)).allowed),
    await time('resolve', count, async (i) => (await keyward.resolve(text(i), { credential, ...facts })).ok),
  ];
  const rows = timings.map(({ name, p50, p99, cpu }) => [name, p50.toFixed(1), p99.toFixed(1), cpu.toFixed(1)]);
  process.stdout.write(`\nin process, ${KEYS} keys in use\n${renderTable(['', 'p50 µs', 'p99 µs', 'CPU µs'], rows)}\n`);
}

async function callMany(keyward: Keyward, keys: readonly IssuedKey[], count: number): Promise<void> {
  const handler = keyward.handler();
  const counts = { passed: 0, limited: 0, other: 0 };
  const call = async (i: number): Promise<void> => {
    const headers = { authorization: `Bearer ${keys[i % KEYS]?.key ?? ''}`, 'content-type': 'application/json' };
    const request = new Request('http://localhost/v1/chat/completions', { method: 'POST', headers, body: BODY });
    const answer = await handler.fetch(request);
    await answer.arrayBuffer();
    counts[answer.status === 200 ? 'passed' : answer.status === 429 ? 'limited' : 'other'] += 1;
  };
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await call(next - 1);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  process.stdout.write(
    `\n${count.toLocaleString('en')} masked calls, ${AT_A_TIME} at a time, through handler.fetch: ` +
      `${seconds.toFixed(1)} s, ${((user + system) / count).toFixed(0)} µs CPU a call; ` +
      `${counts.passed} passed, ${counts.limited} beyond the limit, ${counts.other} other\n`,
  );
  const allowed = Math.floor((count / KEYS) * 0.9) * KEYS;
  if (counts.passed !== allowed || counts.limited !== count - allowed) throw new Error('the limits were not exact');
}

async function checkRecords(storage: string, keys: readonly IssuedKey[], count: number): Promise<void> {
  const keyward = await createKeyward({ storage });
  const kids = new Set(keys.map(({ kid }) => kid));
  const sums = (await keyward.usage()).filter(({ group }) => kids.has(group));
  await keyward.close();
  const recorded = sums.reduce((sum, { calls }) => sum + calls, 0);
  process.stdout.write(`records after close: ${recorded}\n`);
  if (recorded !== count || sums.some(({ calls }) => calls !== count / KEYS)) throw new Error('records are missing');
}

async function startVendor(): Promise<{ readonly origin: string; stop(): void }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'upstream.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const port = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).once('line', resolve);
  });
  return { origin: `http://127.0.0.1:${port}`, stop: () => child.stdin.end() };
}

/** Measures, checks and prints. */
export async function benchEmbed(count: number = COUNT_DEFAULT): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-bench-'));
  const storage = join(folder, 'data');
  const vendor = await startVendor();
  try {
    const keyward = await createKeyward({ storage });
    const issue = (uses: number): Promise<readonly IssuedKey[]> =>
      Promise.all(
        Array.from({ length: KEYS }, (_, i) =>
          keyward.keys.create({
            name: `key ${i}`,
            real: { secret: `sk-real-key-of-the-bench-${i}`, baseUrl: vendor.origin },
            scopes: { endpoints: ['POST /v1/chat/*'], operations: ['chat'] },
            limits: { uses, requestsPerMinute: 1_000_000_000 },
          }),
        ),
      );
    await timeEngine(keyward, await issue(1_000_000_000), count);
    const keys = await issue(Math.floor((count / KEYS) * 0.9));
    await callMany(keyward, keys, count);
    await keyward.close();
    await checkRecords(storage, keys, count);
  } finally {
    vendor.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
