/**
 * Where a worker thread begins. A thread does not take over the compile cache of the main thread,
 * and without it reading the sources takes four times as long: so it is switched on before anything
 * else is loaded.
 */
import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerSeed } from './early-workers.ts';
import type { WorkerStart } from './messages.ts';

const { compileCacheDir } = workerData as WorkerSeed;
if (compileCacheDir !== null) enableCompileCache(compileCacheDir);
const { runWorker } = await import('./worker.ts');
const port = parentPort;
if (port === null) throw new Error('worker-entry.ts runs as a worker thread only');
// What to do may have been told long ago, or comes when the main thread is ready; later messages wait for `runWorker`.
port.once('message', (start: WorkerStart) => void runWorker(port, start));
