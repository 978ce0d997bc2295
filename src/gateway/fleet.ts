import type { Worker } from 'node:worker_threads';
import type { CallRow } from '../calls/call-record.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { KeySource } from '../keys/store.ts';
import type { Clock } from '../lib/clock.ts';
import type { CredentialCounts, CredentialError } from '../routing/credential-error.ts';
import { endEarlyWorkers, takeWorker } from './early-workers.ts';
import type { FromWorker, ListenOptions, ToWorker, WorkerStart } from './messages.ts';

/** How long an answer waits for workers to acknowledge before it says that not all did. */
const ACKNOWLEDGE_WITHIN_MS = 5000;
/** Pause before a crashed worker is replaced, doubled with each crash in a row. */
const RESTART_AFTER_MS = 100;
const RESTART_AFTER_MAX_MS = 10_000;
/** A worker that ran this long before it crashed is replaced without a longer pause. */
const STEADY_AFTER_MS = 30_000;

export interface FleetOptions {
  readonly workers: number;
  readonly listen: ListenOptions;
  /** Per worker. */
  readonly connectionsMax: number;
  readonly snapshot: Snapshot;
  readonly counters: SharedArrayBuffer;
  readonly health: SharedArrayBuffer;
  readonly peppers: WorkerStart['peppers'];
  readonly keys: KeySource;
  readonly clock: Clock;
  readonly onCalls: (rows: readonly CallRow[]) => void;
  /** What providers said of credentials: telling it may come late, or not at all. */
  readonly onCredentialErrors?: (errors: readonly CredentialError[]) => void;
  readonly onLog: (level: 'warn' | 'error', message: string, fields: Readonly<Record<string, string | number>>) => void;
  /** Called after a worker died, before its replacement starts: what it held has to be given back. */
  readonly onWorkerGone: (index: number) => void;
}

/** That a message is in force on the workers. */
export interface Acknowledgement {
  readonly version: number;
  readonly workers: number;
  readonly acknowledgedAtMs: number;
  /** Whether every running worker has acknowledged. */
  readonly complete: boolean;
}

interface Member {
  readonly index: number;
  worker: Worker;
  state: 'starting' | 'running' | 'restarting' | 'stopped';
  startedAtMs: number;
  crashesInARow: number;
  acknowledgedVersion: number;
}

interface Pending {
  readonly sequence: number;
  readonly waitsFor: Set<number>;
  readonly settle: (complete: boolean) => void;
}

/** A question that every worker answers with counts. */
interface Count {
  readonly waitsFor: Set<number>;
  sum: CredentialCounts;
  readonly settle: (complete: boolean) => void;
}

/**
 * The main thread's side of the gateway workers: starts and restarts them, sends them snapshots and
 * invalidations, and knows which of them are in force where.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members: Member[] = [];
  readonly #pending = new Set<Pending>();
  readonly #counts = new Map<number, Count>();
  readonly #drained = new Set<number>();
  #snapshot: Snapshot;
  #sequence = 0;
  #stopping = false;
  #onAllDrained: (() => void) | null = null;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#snapshot = options.snapshot;
  }

  /** Starts every worker; resolves when all of them listen. Rejects when the port cannot be had. */
  async start(): Promise<void> {
    const started = Array.from({ length: this.#options.workers }, (_, index) => this.#startMember(index));
    endEarlyWorkers();
    await Promise.all(started);
  }

  /** Sends a snapshot to every worker and waits until they use it. */
  publish(snapshot: Snapshot): Promise<Acknowledgement> {
    this.#snapshot = snapshot;
    return this.#tellAll((sequence) => ({ kind: 'snapshot', sequence, snapshot }), snapshot.version);
  }

  /** Makes every worker forget keys and waits until they have. */
  invalidateKeys(kids: readonly string[]): Promise<Acknowledgement> {
    return this.#tellAll((sequence) => ({ kind: 'invalidate-keys', sequence, kids }), this.#sequence + 1);
  }

  /** What is done with a credential, on all workers; null when one of them does not say in time. */
  credentialCounts(workspaceId: string, credentialId: string): Promise<CredentialCounts | null> {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const asked = this.#members.filter(({ state }) => state === 'running');
    if (asked.length === 0) return Promise.resolve(NOTHING_DONE);
    return new Promise((resolve) => {
      const timer = setTimeout(() => count.settle(false), ACKNOWLEDGE_WITHIN_MS);
      const count: Count = {
        waitsFor: new Set(asked.map(({ index }) => index)),
        sum: NOTHING_DONE,
        settle: (complete) => {
          clearTimeout(timer);
          this.#counts.delete(sequence);
          resolve(complete ? count.sum : null);
        },
      };
      this.#counts.set(sequence, count);
      for (const member of asked) this.#tell(member, { kind: 'count-use', sequence, workspaceId, credentialId });
    });
  }

  status(): { snapshotVersion: number; workers: { id: number; state: string; acknowledgedVersion: number }[] } {
    return {
      snapshotVersion: this.#snapshot.version,
      workers: this.#members.map(({ index, state, acknowledgedVersion }) => ({
        id: index,
        state,
        acknowledgedVersion,
      })),
    };
  }

  /** Lets open calls end, within the settings' bound; resolves when every record has been handed over. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const running = this.#members.filter(({ state }) => state === 'running');
    const drained = new Promise<void>((resolve) => {
      this.#onAllDrained = resolve;
      if (running.length === 0) resolve();
    });
    for (const member of running) this.#tell(member, { kind: 'drain' });
    const boundMs = this.#snapshot.gateway.drainTimeoutMs + 2000;
    await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, boundMs).unref())]);
    await Promise.all(this.#members.map((member) => member.worker.terminate()));
  }

  #tell(member: Member, message: ToWorker): void {
    member.worker.postMessage(message);
  }

  #tellAll(message: (sequence: number) => ToWorker, version: number): Promise<Acknowledgement> {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const asked = this.#members.filter(({ state }) => state === 'running' || state === 'starting');
    return new Promise((resolve) => {
      const timer = setTimeout(() => pending.settle(false), ACKNOWLEDGE_WITHIN_MS);
      const pending: Pending = {
        sequence,
        waitsFor: new Set(asked.map(({ index }) => index)),
        settle: (complete) => {
          clearTimeout(timer);
          this.#pending.delete(pending);
          const acknowledged = asked.length - pending.waitsFor.size;
          resolve({ version, workers: acknowledged, acknowledgedAtMs: this.#options.clock.now(), complete });
        },
      };
      this.#pending.add(pending);
      for (const member of asked) this.#tell(member, message(sequence));
      if (asked.length === 0) pending.settle(true);
    });
  }

  #acknowledge(member: Member, sequence: number): void {
    for (const pending of this.#pending) {
      if (pending.sequence <= sequence) this.#satisfy(pending, member.index);
    }
  }

  #satisfy(pending: Pending, index: number): void {
    pending.waitsFor.delete(index);
    if (pending.waitsFor.size === 0) pending.settle(true);
  }

  #count(index: number, sequence: number, { underWay, passed }: CredentialCounts): void {
    const count = this.#counts.get(sequence);
    if (count === undefined || !count.waitsFor.delete(index)) return;
    count.sum = { underWay: count.sum.underWay + underWay, passed: count.sum.passed + passed };
    if (count.waitsFor.size === 0) count.settle(true);
  }

  #startMember(index: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const start: WorkerStart = {
        index,
        snapshot: this.#snapshot,
        counters: this.#options.counters,
        health: this.#options.health,
        peppers: this.#options.peppers,
        listen: this.#options.listen,
        connectionsMax: this.#options.connectionsMax,
      };
      const worker = takeWorker(index);
      const member = this.#member(index, worker);
      member.acknowledgedVersion = this.#snapshot.version;
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'listening') {
          member.state = 'running';
          resolve();
        } else if (message.kind === 'listen-failed') {
          reject(new Error(message.message));
        } else {
          this.#hear(member, worker, message);
        }
      });
      worker.on('error', (error) => {
        this.#options.onLog('error', 'worker failed', { worker: index, reason: String(error) });
        reject(error instanceof Error ? error : new Error(String(error)));
      });
      worker.on('exit', () => this.#gone(member, worker));
      worker.postMessage(start);
    });
  }

  #member(index: number, worker: Worker): Member {
    const existing = this.#members[index];
    const startedAtMs = this.#options.clock.now();
    if (existing !== undefined) {
      existing.worker = worker;
      existing.state = 'starting';
      existing.startedAtMs = startedAtMs;
      return existing;
    }
    const member: Member = {
      index,
      worker,
      state: 'starting',
      startedAtMs,
      crashesInARow: 0,
      acknowledgedVersion: 0,
    };
    this.#members[index] = member;
    return member;
  }

  #hear(member: Member, worker: Worker, message: FromWorker): void {
    switch (message.kind) {
      case 'acknowledge':
        member.acknowledgedVersion = message.version;
        this.#acknowledge(member, message.sequence);
        return;
      case 'find-key':
        void this.#answerLookup(worker, message.lookup, message.kid);
        return;
      case 'calls':
        this.#options.onCalls(message.rows);
        return;
      case 'use-counted':
        this.#count(member.index, message.sequence, message.counts);
        return;
      case 'credential-errors':
        this.#options.onCredentialErrors?.(message.errors);
        return;
      case 'log':
        this.#options.onLog(message.level, message.message, message.fields);
        return;
      case 'drained':
        this.#hasDrained(member);
        return;
      case 'listening':
      case 'listen-failed':
        return;
    }
  }

  /**
   * The record may be older than an invalidation that is sent while it is on its way; the worker's
   * cache asks again when it hears of one during a look-up. The answer goes to the very worker that
   * asked: its replacement counts its own questions from the start.
   */
  async #answerLookup(worker: Worker, lookup: number, kid: string): Promise<void> {
    const tell = (message: ToWorker) => worker.postMessage(message);
    try {
      tell({ kind: 'key', lookup, record: await this.#options.keys.findKey(kid) });
    } catch (error) {
      this.#options.onLog('error', 'key store failed', { reason: String(error) });
      tell({ kind: 'key-failed', lookup });
    }
  }

  #hasDrained({ index: drained }: Member): void {
    this.#drained.add(drained);
    const left = this.#members.filter(({ index, state }) => state === 'running' && !this.#drained.has(index));
    if (left.length === 0) this.#onAllDrained?.();
  }

  /** A worker that is gone serves nobody: what waited for it need not. Another takes its place. */
  #gone(member: Member, worker: Worker): void {
    if (member.worker !== worker) return;
    member.state = this.#stopping ? 'stopped' : 'restarting';
    this.#options.onWorkerGone(member.index);
    for (const pending of this.#pending) this.#satisfy(pending, member.index);
    // Its calls have ended with it.
    for (const sequence of this.#counts.keys()) this.#count(member.index, sequence, NOTHING_DONE);
    if (this.#stopping) {
      this.#hasDrained(member);
      return;
    }
    const ranMs = this.#options.clock.now() - member.startedAtMs;
    member.crashesInARow = ranMs > STEADY_AFTER_MS ? 0 : member.crashesInARow + 1;
    const pauseMs = Math.min(RESTART_AFTER_MS * 2 ** member.crashesInARow, RESTART_AFTER_MAX_MS);
    this.#options.onLog('error', 'worker gone, restarting', { worker: member.index, pauseMs });
    setTimeout(() => {
      if (this.#stopping) return;
      this.#startMember(member.index).catch((error: unknown) => {
        this.#options.onLog('error', 'worker did not start', { worker: member.index, reason: String(error) });
        void member.worker.terminate(); // its exit leads to the next try
      });
    }, pauseMs);
  }
}

const NOTHING_DONE: CredentialCounts = { underWay: 0, passed: 0 };

/** Beside this file: as source in a clone, compiled in the package. */
