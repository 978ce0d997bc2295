import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BenchTask } from './bench-many.fixture.ts';
import { createHealthTable, openHealthTable } from './health-table.ts';
import { packHealth, unpackHealth, WELL } from './health-word.ts';
import type { Health } from './health-word.ts';
import { FAILURE_KINDS } from './provider-error.ts';

const NOW_MS = 1_800_000_000_000;
const COOLING: Health = { ...WELL, state: 'cooling', untilMs: NOW_MS, strikes: 1, kind: 'rate_limited' };

test('a state survives being one word', () => {
  const health = fc.record({
    state: fc.constantFrom('healthy', 'cooling', 'exhausted', 'rejected', 'open'),
    untilMs: fc.integer({ min: 0, max: 2 ** 44 - 1 }),
    isTimed: fc.boolean(),
    isProbed: fc.boolean(),
    strikes: fc.integer({ min: 0, max: 255 }),
    kind: fc.option(fc.constantFrom(...FAILURE_KINDS)),
  });
  fc.assert(
    fc.property(health, (given) => {
      expect(unpackHealth(packHealth(given))).toEqual(given);
    }),
  );
  expect(packHealth(WELL)).toBe(0n);
});

test('what one thread writes the others read, also where both looked before', () => {
  const buffer = createHealthTable(8);
  const [one, other] = [openHealthTable(buffer), openHealthTable(buffer)];
  const [here, there] = [one.place('a'), other.place('a')];
  expect(other.read(there)).toEqual(WELL);
  one.update(here, NOW_MS, () => COOLING);
  expect(other.read(there)).toEqual(COOLING);
  expect(other.read(other.place('b'))).toEqual(WELL);
});

test('a full table takes no more, until what is long over makes room', () => {
  const table = openHealthTable(createHealthTable(2));
  const [a, b, c] = ['a', 'b', 'c'].map((name) => table.place(name));
  if (a === undefined || b === undefined || c === undefined) throw new Error();
  table.update(a, NOW_MS, () => COOLING);
  table.update(b, NOW_MS, () => ({ ...COOLING, untilMs: NOW_MS + 86_400_000 }));
  expect(table.update(c, NOW_MS, () => COOLING)).toBeNull();
  expect(table.update(c, NOW_MS + 3_600_001, () => ({ ...COOLING, strikes: 9 }))?.strikes).toBe(9);
  expect(table.read(a)).toEqual(WELL);
  expect(table.read(b).untilMs).toBe(NOW_MS + 86_400_000);
  expect(table.read(c).strikes).toBe(9);
});

describe('threads', () => {
  test(
    'failures of four workers at once are all counted, benched for all, and probed by one each',
    { timeout: 60_000 },
    async () => {
      const buffer = createHealthTable(64);
      const members = Array.from({ length: 10 }, (_, i) => `cr_${i}`);
      const task: BenchTask = { buffer, members, nowMs: NOW_MS, failures: 20 };
      const results = await Promise.all(Array.from({ length: 4 }, () => run(task)));
      expect(results.map(({ usable }) => usable)).toEqual([0, 0, 0, 0]);
      const table = openHealthTable(buffer);
      for (const id of members) {
        expect(table.read(table.place(`credential/ws/p/${id}/`)).strikes).toBe(80);
      }
    },
  );
});

function run(task: BenchTask): Promise<{ usable: number; probes: number }> {
  const fixture = new URL('./bench-many.fixture.ts', import.meta.url);
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.fixture).then(({ benchMany }) => parentPort.postMessage(benchMany(workerData.task)));`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData: { fixture: fixture.href, task } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
