/** What a worker of the tests does with the shared counters. */
import { bindCallLimits } from './call-limiter.ts';
import type { LevelLimits } from './call-limits.ts';
import { openSharedCounters } from './shared-counters.ts';

export interface TakeTask {
  readonly buffer: SharedArrayBuffer;
  readonly workerIndex: number;
  readonly kids: readonly string[];
  readonly limits: LevelLimits;
  /** Takes per key. */
  readonly takes: number;
  readonly nowMs: number;
  /** Whether each call ends before the next begins; otherwise all are still under way at the end. */
  readonly release: boolean;
}

export interface TakeResult {
  readonly taken: number;
  readonly overloaded: number;
}

export function takeMany(task: TakeTask): TakeResult {
  const counters = openSharedCounters(task.buffer, task.workerIndex);
  const limiters = task.kids.map((kid) => bindCallLimits(counters, [{ kind: 'key', id: kid, limits: task.limits }]));
  let taken = 0;
  let overloaded = 0;
  for (let i = 0; i < task.takes; i += 1) {
    for (const limiter of limiters) {
      const outcome = limiter.take(task.nowMs, { tokens: 0, nanoUsd: 0 });
      if (outcome.ok) taken += 1;
      else if (outcome.code === 'overloaded') overloaded += 1;
      if (outcome.ok && task.release) limiter.release();
    }
  }
  return { taken, overloaded };
}
