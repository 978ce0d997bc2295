/** Runs code inside a gateway worker of the running product, through the debugger's protocol: to break it from within. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Product } from './product.ts';

/** Environment for a product whose workers can be reached. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect=127.0.0.1:0' } as const;

export interface WorkerInspector {
  /** Starts code in the worker of this index; what it throws later is the worker's own. */
  run(worker: number, code: string): void;
  close(): void;
}

interface ProtocolMessage {
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly workerInfo?: { readonly title?: string } };
}

/** Attaches to every worker; those that start later are attached too. Resolves when `workers` of them are. */
export async function inspectWorkers(product: Product, workers: number): Promise<WorkerInspector> {
  const socket = new WebSocket(await debuggerUrl(product));
  const sessions = new Map<number, string>();
  let last = 0;
  const tell = (method: string, params: unknown): void => {
    last += 1;
    socket.send(JSON.stringify({ id: last, method, params }));
  };
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(String(data)) as ProtocolMessage;
    const index = /gateway-(\d+)/.exec(params?.workerInfo?.title ?? '')?.[1];
    if (method !== 'NodeWorker.attachedToWorker' || index === undefined) return;
    sessions.set(Number(index), params?.sessionId ?? '');
  });
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  tell('NodeWorker.enable', { waitForDebuggerOnStart: false });
  while (sessions.size < workers) await sleep(10);
  return {
    run: (worker, code) => {
      const message = { id: 1, method: 'Runtime.evaluate', params: { expression: `setTimeout(() => { ${code} }, 0)` } };
      tell('NodeWorker.sendMessageToWorker', {
        sessionId: sessions.get(worker) ?? '',
        message: JSON.stringify(message),
      });
    },
    close: () => socket.close(),
  };
}

async function debuggerUrl(product: Product): Promise<string> {
  for (;;) {
    const url = /Debugger listening on (ws:\S+)/.exec(product.logs())?.[1];
    if (url !== undefined) return url;
    await sleep(10);
  }
}
