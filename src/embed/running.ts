import type { UsageQuery } from '../admin/call-stores.ts';
import { AppError, ERRORS } from '../errors.ts';
import type { Inbound } from '../gateway/inbound.ts';
import type { CallLog } from '../watch/call-log.ts';
import type { BackendToken } from './backend-token.ts';
import type { Engine } from './engine.ts';
import { createHandler } from './handler.ts';
import type { KeyOperations } from './key-operations.ts';
import type { Keyward } from './keyward.ts';
import { resolve } from './resolve.ts';
import { serve } from './serve.ts';
import type { KeywardStorage } from './storage-port.ts';
import { verify } from './verify.ts';

export interface RunningOptions {
  readonly engine: Engine;
  readonly backend: BackendToken;
  readonly keys: KeyOperations;
  readonly callLog: CallLog;
  readonly storage: KeywardStorage;
  readonly workspaceId: string;
  readonly forgetKey: (kid: string) => void;
  /** Once no call is open any more. */
  readonly close: () => Promise<void>;
}

const DAY_MS = 86_400_000;
const USAGE_DAYS = 30;
/** Calls that were cut come to their end within this, and leave their record. */
const CUT_MS_MAX = 1_000;

/** Opens what was constructed to its user, until it is closed. */
export function createRunning(options: RunningOptions): Keyward {
  const { engine, backend, keys, callLog, storage, workspaceId, forgetKey } = options;
  const { gateway } = engine;
  const open = new Map<Inbound, Promise<void>>();
  /** Resolves under way: they leave records too. */
  const resolves = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;

  const receive = (inbound: Inbound, basePath: string): void => {
    if (closing !== null) return refuseClosed(inbound);
    open.set(
      inbound,
      serve(engine, inbound, basePath).finally(() => open.delete(inbound)),
    );
  };

  const assertOpen = (): void => {
    if (closing !== null) throw new AppError('shutting_down');
  };

  const close = async (): Promise<void> => {
    await ended([...open.values(), ...resolves], gateway.config.settings.drainTimeoutMs);
    for (const inbound of open.keys()) {
      inbound.onGone?.();
      inbound.destroy();
    }
    // Bounded: a policy may never come to its end.
    await ended([...open.values()], CUT_MS_MAX);
    await options.close();
  };

  /** What happened before a question is in its answer. */
  const settled = async (): Promise<void> => {
    assertOpen();
    gateway.calls.flush();
    await callLog.flush();
  };

  return {
    keys,
    backendToken: backend.issued,
    renewBackendToken: () => backend.renew(),
    verify: async (text, facts = {}) => {
      assertOpen();
      return verify(engine, text, facts);
    },
    resolve: async (text, given) => {
      assertOpen();
      const asked = resolve(engine, backend, text, given);
      resolves.add(asked);
      try {
        return await asked;
      } finally {
        resolves.delete(asked);
      }
    },
    handler: (given = {}) => createHandler(receive, given),
    calls: {
      list: async ({ cursor = null, limit = 50, unidentified = false, ...filter } = {}) => {
        await settled();
        const bounded = Math.min(500, Math.max(1, Math.trunc(limit)));
        return storage.calls.list(unidentified ? null : workspaceId, { cursor, limit: bounded }, filter);
      },
    },
    usage: async (query = {}) => {
      await settled();
      const toMs = gateway.clock.now() + 1;
      const whole: UsageQuery = { fromMs: toMs - USAGE_DAYS * DAY_MS, toMs, groupBy: 'key', ...query };
      return storage.calls.usage(workspaceId, whole);
    },
    forget: forgetKey,
    close: () => (closing ??= close()),
  };
}

/** Resolves when all are done, or the time is over. */
async function ended(calls: readonly Promise<unknown>[], withinMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, withinMs);
  });
  await Promise.race([Promise.allSettled(calls), timeout]);
  clearTimeout(timer);
}

/** Too late to be recorded. */
function refuseClosed(inbound: Inbound): void {
  const { status, title } = ERRORS.shutting_down;
  const body = JSON.stringify({ error: { code: 'shutting_down', message: title, type: 'server_error' } });
  inbound.respond(status, ['content-type', 'application/json'], Buffer.from(body));
}
