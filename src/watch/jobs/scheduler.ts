import { randomBytes } from 'node:crypto';
import type { JobRow, JobStore } from '../../admin/key-life-stores.ts';
import type { Clock } from '../../lib/clock.ts';

/** Something that is done again and again. It may run twice for one due time, after a crash: it must look at what is stored. */
export interface Job {
  /** Unique; names its row in the store. */
  readonly name: string;
  readonly everyMs: number;
  /** Whether there is anything to do; absent: always. Asked before the lease is taken, so that idle jobs write nothing. */
  readonly isWanted?: () => Promise<boolean>;
  /** `signal` ends when the process stops or the lease was lost: then it should come to an end. */
  run(signal: AbortSignal): Promise<void>;
}

export interface Scheduler {
  start(): void;
  /** Takes no new work and waits for what runs, within a bound. */
  stop(): Promise<void>;
  /** Runs what is due, and resolves when it has ended. */
  tick(): Promise<void>;
}

export interface SchedulerOptions {
  readonly jobs: readonly Job[];
  readonly store: JobStore;
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
  /** How often it looks for due jobs. */
  readonly tickMs?: number;
  /** How long a node that says nothing is taken to be alive. */
  readonly leaseMs?: number;
  readonly concurrencyMax?: number;
  readonly stopMsMax?: number;
}

const BACK_OFF_MIN_MS = 30_000;
const BACK_OFF_MAX_MS = 15 * 60_000;
const ERROR_LENGTH_MAX = 300;

/**
 * Runs recurring jobs on the node that gets their lease. When each is due again is stored, so a
 * restart neither repeats nor forgets one: what was missed runs once at the start.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { jobs, store, clock, log } = options;
  const { tickMs = 1000, leaseMs = 60_000, concurrencyMax = 2, stopMsMax = 10_000 } = options;
  const owner = randomBytes(9).toString('base64url');
  const running = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | null = null;

  const lease = () => ({ owner, nowMs: clock.now(), leaseUntilMs: clock.now() + leaseMs });

  const runOne = async (job: Job): Promise<void> => {
    if (job.isWanted !== undefined && !(await job.isWanted())) return;
    const row = await store.take(job.name, lease());
    if (row === null) return;
    const error = await attempt(job);
    const nowMs = clock.now();
    const dueAtMs = nowMs + (error === null ? job.everyMs : backOffMs(job, row));
    await store.finish(job.name, { owner, nowMs, dueAtMs, error });
  };

  /** Runs a job while its lease is kept alive; the text of its error, or null. */
  const attempt = async (job: Job): Promise<string | null> => {
    const lost = new AbortController();
    const keepAlive = setInterval(() => {
      void store.renew(job.name, lease()).then(
        (held) => {
          if (!held) lost.abort();
        },
        (error: unknown) => log.error({ err: error, job: job.name }, 'the lease of a job could not be prolonged'),
      );
    }, leaseMs / 3);
    keepAlive.unref();
    try {
      await job.run(AbortSignal.any([stopping.signal, lost.signal]));
      return null;
    } catch (error) {
      // What was broken off by a stop is no failure: it goes on after the next start.
      if (stopping.signal.aborted) return 'stopped';
      log.error({ err: error, job: job.name }, 'a job failed; it is tried again');
      return (error instanceof Error ? error.message : String(error)).slice(0, ERROR_LENGTH_MAX);
    } finally {
      clearInterval(keepAlive);
    }
  };

  const launch = (job: Job): Promise<void> => {
    const run = runOne(job)
      .catch((error: unknown) => log.error({ err: error, job: job.name }, 'the state of a job could not be stored'))
      .finally(() => running.delete(job.name));
    running.set(job.name, run);
    return run;
  };

  const tick = async (): Promise<void> => {
    const rows = new Map((await store.list()).map((row) => [row.name, row]));
    const waiting = jobs.filter(({ name }) => !running.has(name) && mayRun(rows.get(name), clock.now()));
    const lane = async (): Promise<void> => {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        if (stopping.signal.aborted) return;
        if (!running.has(job.name)) await launch(job);
      }
    };
    await Promise.all(Array.from({ length: Math.max(0, concurrencyMax - running.size) }, lane));
  };

  const tickSafely = () => {
    tick().catch((error: unknown) => log.error({ err: error }, 'the state of jobs could not be read'));
  };

  return {
    start: () => {
      // Not one after the other: a job that takes long must not hold up the rest.
      timer ??= setInterval(tickSafely, tickMs).unref();
    },
    tick,
    stop: async () => {
      stopping.abort();
      if (timer !== null) clearInterval(timer);
      const bound = new Promise<void>((resolve) => setTimeout(resolve, stopMsMax).unref());
      await Promise.race([Promise.all(running.values()), bound]);
    },
  };
}

/** A first look, without a lease: most of the time nothing is due. */
function mayRun(row: JobRow | undefined, nowMs: number): boolean {
  return row === undefined || (row.dueAtMs <= nowMs && (row.leaseUntilMs ?? 0) <= nowMs);
}

/** Longer with every failure in a row, within a bound. */
function backOffMs(job: Job, row: JobRow): number {
  const doubled = BACK_OFF_MIN_MS * 2 ** Math.min(row.failures, 10);
  return Math.min(doubled, BACK_OFF_MAX_MS);
}
