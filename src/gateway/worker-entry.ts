/**
 * Where a worker thread begins. A thread does not take over the compile cache of the main thread,
 * and without it reading the sources takes four times as long: so it is switched on before anything
 * else is loaded.
 */
import { enableCompileCache } from 'node:module';
import { workerData } from 'node:worker_threads';
import type { WorkerStart } from './messages.ts';

const { compileCacheDir } = workerData as Pick<WorkerStart, 'compileCacheDir'>;
if (compileCacheDir !== null) enableCompileCache(compileCacheDir);
await import('./worker.ts');
