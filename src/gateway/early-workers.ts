/**
 * Threads for the gateway's workers that begin to read their code while the main thread still reads
 * its own: a third of the time to readiness. Imports nothing of the product, so that it can be the
 * first that runs.
 */
import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** What a thread needs before it reads anything; what it is to do comes as its first message. */
export interface WorkerSeed {
  readonly compileCacheDir: string | null;
}

const waiting: Worker[] = [];

/** Starts as many threads as the settings will probably ask for; what is too many ends by `endEarlyWorkers`. */
export function startEarlyWorkers(args: readonly string[], env: Readonly<Record<string, string | undefined>>): void {
  const flag = args[args.indexOf('--workers') + 1];
  const asked = Number((args.includes('--workers') ? flag : undefined) ?? env['KEYWARD_WORKERS'] ?? Number.NaN);
  const count = Number.isInteger(asked) && asked > 0 ? asked : availableParallelism();
  // A processor is left to the main thread: it has the most to read.
  for (let i = 0; i < Math.min(count, EARLY_MAX, Math.max(1, availableParallelism() - 1)); i++) {
    const worker = newWorker(i);
    // A start that fails must not be held up by them.
    worker.unref();
    worker.once('error', () => forget(worker));
    waiting.push(worker);
  }
}

const EARLY_MAX = 16;

/** A thread that reads its code, or has read it already, and waits for its first message. */
export function takeWorker(index: number): Worker {
  const early = waiting.shift();
  early?.ref();
  return early ?? newWorker(index);
}

/** Another is made when one is asked for, and whoever asked hears what is wrong. */
function forget(worker: Worker): void {
  const at = waiting.indexOf(worker);
  if (at !== -1) waiting.splice(at, 1);
}

/** Ends the threads that nobody took. */
export function endEarlyWorkers(): void {
  for (const worker of waiting.splice(0)) void worker.terminate();
}

/** Early ones are taken in their order, so that their names tell their index, too. */
function newWorker(index: number): Worker {
  const workerData: WorkerSeed = { compileCacheDir: compileCacheDir() };
  return new Worker(entryUrl(), { workerData, name: `gateway-${index}` });
}

function entryUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker-entry.ts' : './worker-entry.js', import.meta.url);
}

/** As it was given to `enableCompileCache`: what Node tells is the folder below it for its version. */
function compileCacheDir(): string | null {
  const dir = getCompileCacheDir();
  return dir === undefined ? null : dirname(dir);
}
