import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openTestStore } from '../../storage/store-fixture.ts';
import { createScheduler } from './scheduler.ts';
import type { Job } from './scheduler.ts';

const MINUTE_MS = 60_000;

async function setUp() {
  const clock = { nowMs: 1_000_000 };
  const logged: string[] = [];
  const { jobs: store } = await openTestStore();
  const scheduler = (jobs: readonly Job[]) =>
    createScheduler({
      jobs,
      store,
      clock: { now: () => clock.nowMs },
      log: { error: (_fields, message) => void logged.push(message) },
      leaseMs: MINUTE_MS,
    });
  return { clock, logged, store, scheduler };
}

function counting(name: string, everyMs = 10 * MINUTE_MS) {
  const job = { name, everyMs, runs: 0, run: async () => void (job.runs += 1) };
  return job;
}

test('a job runs at its pace, and a restart in between does not repeat it', async () => {
  const { clock, scheduler } = await setUp();
  const job = counting('pace');
  await scheduler([job]).tick();
  await scheduler([job]).tick();
  expect(job.runs).toBe(1);
  clock.nowMs += 10 * MINUTE_MS;
  await scheduler([job]).tick();
  expect(job.runs).toBe(2);
});

test('a job that was missed many times runs once at the start', async () => {
  const { clock, scheduler } = await setUp();
  const job = counting('missed');
  await scheduler([job]).tick();
  clock.nowMs += 1000 * MINUTE_MS;
  const later = scheduler([job]);
  await later.tick();
  await later.tick();
  expect(job.runs).toBe(2);
});

test('of several nodes one runs a job; when that one is gone another takes over after its lease', async () => {
  const { clock, scheduler, store } = await setUp();
  const job = counting('leased');
  await store.take('leased', { owner: 'a node that died', nowMs: clock.nowMs, leaseUntilMs: clock.nowMs + MINUTE_MS });
  await Promise.all([scheduler([job]).tick(), scheduler([job]).tick()]);
  expect(job.runs).toBe(0);
  clock.nowMs += MINUTE_MS;
  await Promise.all([scheduler([job]).tick(), scheduler([job]).tick(), scheduler([job]).tick()]);
  expect(job.runs).toBe(1);
});

test('a job that fails is logged, told with its error, and tried again later and later', async () => {
  const { clock, logged, scheduler, store } = await setUp();
  let runs = 0;
  const node = scheduler([
    {
      name: 'broken',
      everyMs: MINUTE_MS,
      run: async () => {
        runs += 1;
        if (runs < 4) throw new Error('the disk is full');
      },
    },
  ]);
  const pauses: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    await node.tick();
    const row = (await store.list())[0];
    pauses.push((row?.dueAtMs ?? 0) - clock.nowMs);
    clock.nowMs = row?.dueAtMs ?? 0;
  }
  expect(pauses).toEqual([30_000, 60_000, 120_000, MINUTE_MS]);
  expect(logged).toHaveLength(3);
  expect((await store.list())[0]).toMatchObject({ failures: 0, lastError: null });
});

test('at most as many jobs run at the same time as allowed, and a stop waits for them', async () => {
  const { scheduler } = await setUp();
  let now = 0;
  let most = 0;
  const jobs = Array.from({ length: 6 }, (_, i) => ({
    name: `job ${i}`,
    everyMs: MINUTE_MS,
    run: async () => {
      now += 1;
      most = Math.max(most, now);
      await sleep(5);
      now -= 1;
    },
  }));
  const node = scheduler(jobs);
  const ticked = node.tick();
  await sleep(7);
  await node.stop();
  expect(now).toBe(0);
  await ticked;
  expect(most).toBe(2);
});

test('a job that is broken off by a stop is no failure to be told, and goes on soon after the next start', async () => {
  const { clock, logged, scheduler, store } = await setUp();
  const begun = Promise.withResolvers<undefined>();
  const node = scheduler([
    {
      name: 'long',
      everyMs: 1000 * MINUTE_MS,
      run: async (signal) => {
        begun.resolve(undefined);
        await sleep(60_000, undefined, { signal });
      },
    },
  ]);
  const ticked = node.tick();
  await begun.promise;
  await node.stop();
  await ticked;
  expect(logged).toEqual([]);
  expect((await store.list())[0]).toMatchObject({ dueAtMs: clock.nowMs + 30_000, leaseOwner: null });
});

test('a lease is given for what is due only, prolonged by its owner only, and given back by its owner only', async () => {
  const { jobs: store } = await openTestStore();
  const lease = (owner: string, nowMs: number) => ({ owner, nowMs, leaseUntilMs: nowMs + 10 });
  expect(await store.take('job', lease('a', 0))).toMatchObject({ leaseOwner: 'a', startedAtMs: 0 });
  expect(await store.take('job', lease('b', 9))).toBeNull();
  expect([await store.renew('job', lease('b', 9)), await store.renew('job', lease('a', 9))]).toEqual([false, true]);
  expect(await store.take('job', lease('b', 18))).toBeNull();
  await store.finish('job', { owner: 'b', nowMs: 18, dueAtMs: 0, error: null });
  expect((await store.list())[0]).toMatchObject({ leaseOwner: 'a', finishedAtMs: null });
  await store.finish('job', { owner: 'a', nowMs: 18, dueAtMs: 100, error: null });
  expect(await store.take('job', lease('b', 99))).toBeNull();
  expect(await store.take('job', lease('b', 100))).toMatchObject({ leaseOwner: 'b', succeededAtMs: 18 });
});
