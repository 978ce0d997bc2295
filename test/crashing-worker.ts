/** Runs functions of fixtures in real threads, which crash at the end as a worker may at any time. */
import { Worker } from 'node:worker_threads';

const WORKER_SOURCE = `
  const { parentPort, workerData } = require('node:worker_threads');
  void import(workerData.module).then((module) => {
    parentPort.postMessage(module[workerData.name](workerData.task));
    throw new Error('crashed');
  });
`;

/** Starts a function of a module by its name. */
export function startWorker(module: URL, name: string, task: unknown): Worker {
  const worker = new Worker(WORKER_SOURCE, {
    eval: true,
    workerData: { module: module.href, name, task },
  });
  worker.on('error', () => undefined); // the crash
  return worker;
}

/** What the function returned, once the worker has crashed. */
export async function resultOf<T>(worker: Worker): Promise<T> {
  let result: { readonly value: T } | null = null;
  worker.on('message', (value: T) => {
    result = { value };
  });
  await new Promise((resolve) => worker.once('exit', resolve));
  const { value } = result ?? fail();
  return value;
}

function fail(): never {
  throw new Error('the worker ended without a result');
}
