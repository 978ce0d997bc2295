import { setImmediate } from 'node:timers/promises';
import type { KeyActivityStore } from '../admin/key-life-stores.ts';
import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRow } from '../calls/call-record.ts';
import { mergeActivity } from '../calls/key-activity.ts';
import type { KeyActivity } from '../calls/key-activity.ts';
import { agentProduct, callerNetwork } from './caller-network.ts';

/** Adds up who uses which key out of call records; nothing here is on the path of a call. */
export interface KeyActivityLog {
  /** Takes records at once and without failing. */
  observe(rows: readonly CallRow[]): void;
  /** What is not in the store yet; null when all of it is. */
  pending(workspaceId: string, kid: string): KeyActivity | null;
  /** Resolves when everything observed before is in the store; rejects, keeping it, where the store fails. */
  flush(): Promise<void>;
  /** Keys whose activity was lost because the store took nothing for too long. */
  readonly dropped: number;
}

export interface KeyActivityLogOptions {
  /** The store of a workspace, with its transactions. */
  readonly store: (workspaceId: string) => {
    transaction<T>(work: (tx: { readonly activity: KeyActivityStore }) => Promise<T>): Promise<T>;
  };
  /** Keys remembered between two flushes. */
  readonly keysMax?: number;
}

/** Keys of one transaction. */
const BATCH_KEYS = 200;
const at = (field: (typeof CALL_FIELDS)[number]): number => CALL_FIELDS.indexOf(field);
const WORKSPACE = at('workspaceId');
const KID = at('kid');
const GENERATION = at('secretGeneration');
const STARTED = at('startedAtMs');
const ADDRESS = at('clientAddress');
const AGENT = at('userAgent');

type Activities = Map<string, { readonly workspaceId: string; activity: KeyActivity }>;

export function createKeyActivityLog({ store, keysMax = 50_000 }: KeyActivityLogOptions): KeyActivityLog {
  let fresh: Activities = new Map();
  /** On their way to the store. */
  let leaving: Activities = new Map();
  let dropped = 0;
  let flushing: Promise<void> = Promise.resolve();

  const remember = (target: Activities, workspaceId: string, activity: KeyActivity) => {
    const key = keyOf(workspaceId, activity.kid);
    const known = target.get(key);
    if (known !== undefined) known.activity = mergeActivity(known.activity, activity);
    else if (target.size < keysMax) target.set(key, { workspaceId, activity });
    else dropped += 1;
  };

  const flush = async () => {
    leaving = fresh;
    fresh = new Map();
    try {
      const byWorkspace = Map.groupBy(leaving.values(), ({ workspaceId }) => workspaceId);
      for (const [workspaceId, entries] of byWorkspace) {
        for (let from = 0; from < entries.length; from += BATCH_KEYS) {
          const batch = entries.slice(from, from + BATCH_KEYS).map(({ activity }) => activity);
          await store(workspaceId).transaction((tx) => tx.activity.add(batch));
          for (const { kid } of batch) leaving.delete(keyOf(workspaceId, kid));
          // The store works synchronously: the admin API gets its turn between batches.
          await setImmediate();
        }
      }
    } finally {
      // What the store did not take is kept, as what came before.
      const later = fresh;
      fresh = leaving;
      leaving = new Map();
      for (const { workspaceId, activity } of later.values()) remember(fresh, workspaceId, activity);
    }
  };

  return {
    observe: (rows) => {
      for (const row of rows) {
        const workspaceId = row[WORKSPACE];
        const activity = activityOf(row);
        if (activity !== null && typeof workspaceId === 'string') remember(fresh, workspaceId, activity);
      }
    },
    pending: (workspaceId, kid) => {
      const parts = [leaving, fresh].flatMap((part) => part.get(keyOf(workspaceId, kid))?.activity ?? []);
      return parts.length === 0 ? null : parts.reduce(mergeActivity);
    },
    flush: () => {
      // One after the other; a failure is told to whoever asked, and does not stop the next.
      const mine = flushing.catch(() => undefined).then(flush);
      flushing = mine;
      return mine;
    },
    get dropped() {
      return dropped;
    },
  };
}

const FLUSH_MS = 10_000;

/** Flushes again and again; a stop flushes once more. What the store does not take is told, and tried again. */
export function flushRegularly(
  log: KeyActivityLog,
  errors: { error(fields: object, message: string): void },
): { stop(): Promise<void> } {
  const flush = () =>
    log.flush().catch((error: unknown) => errors.error({ err: error }, 'the activity of keys could not be stored'));
  const timer = setInterval(() => void flush(), FLUSH_MS);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await flush();
    },
  };
}

function keyOf(workspaceId: string, kid: string): string {
  return `${workspaceId} ${kid}`;
}

/** One call; null for one that proved no secret. */
function activityOf(row: CallRow): KeyActivity | null {
  const [kid, generation, lastMs, address, userAgent] = [KID, GENERATION, STARTED, ADDRESS, AGENT].map((i) => row[i]);
  if (typeof kid !== 'string' || typeof generation !== 'number' || typeof lastMs !== 'number') return null;
  const lastAddress = typeof address === 'string' ? address : '';
  const agent = agentProduct(typeof userAgent === 'string' ? userAgent : null);
  const calls = { generation, calls: 1, lastMs };
  return {
    kid,
    lastUsedAtMs: lastMs,
    lastAddress,
    generations: [calls],
    callers: [{ ...calls, network: callerNetwork(lastAddress), agent, firstMs: lastMs }],
  };
}
