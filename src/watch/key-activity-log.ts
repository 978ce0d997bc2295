import { setImmediate } from 'node:timers/promises';
import type { KeyActivityStore } from '../admin/key-life-stores.ts';
import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRow } from '../calls/call-record.ts';
import { mergeActivity } from '../calls/key-activity.ts';
import type { KeyActivity } from '../calls/key-activity.ts';
import { KeyTally } from './key-tally.ts';

/** Adds up who uses which key out of call records; nothing here is on the path of a call. */
export interface KeyActivityLog {
  /** Takes records at once and without failing. */
  observe(rows: readonly CallRow[]): void;
  /** What is not in the store yet; null when all of it is. */
  pending(workspaceId: string, kid: string): KeyActivity | null;
  /** Resolves when everything observed before is in the store; rejects, keeping it, where the store fails. */
  flush(): Promise<void>;
  /** Calls that were not counted, because too many keys were used between two flushes. */
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

interface Counted {
  readonly workspaceId: string;
  /** From flushes that failed. */
  before: KeyActivity | null;
  readonly tally: KeyTally;
}

type Activities = Map<string, Counted>;

export function createKeyActivityLog({ store, keysMax = 50_000 }: KeyActivityLogOptions): KeyActivityLog {
  let fresh: Activities = new Map();
  /** On their way to the store. */
  let leaving: Activities = new Map();
  let dropped = 0;
  let flushing: Promise<void> = Promise.resolve();

  /** The entry of a key; null where there is no room for another. */
  const entryOf = (workspaceId: string, kid: string): Counted | null => {
    const key = keyOf(workspaceId, kid);
    const known = fresh.get(key);
    if (known !== undefined) return known;
    if (fresh.size >= keysMax) {
      dropped += 1;
      return null;
    }
    const entry = { workspaceId, before: null, tally: new KeyTally(kid) };
    fresh.set(key, entry);
    return entry;
  };

  const flush = async () => {
    leaving = fresh;
    fresh = new Map();
    try {
      const byWorkspace = Map.groupBy(leaving.values(), ({ workspaceId }) => workspaceId);
      for (const [workspaceId, entries] of byWorkspace) {
        for (let from = 0; from < entries.length; from += BATCH_KEYS) {
          const batch = entries.slice(from, from + BATCH_KEYS).flatMap((entry) => activityOf(entry) ?? []);
          await store(workspaceId).transaction((tx) => tx.activity.add(batch));
          for (const { kid } of batch) leaving.delete(keyOf(workspaceId, kid));
          // The store works synchronously: the admin API gets its turn between batches.
          await setImmediate();
        }
      }
    } finally {
      // What the store did not take is kept, as what came before.
      for (const [key, entry] of leaving) {
        const activity = activityOf(entry);
        const target = activity && entryOf(entry.workspaceId, activity.kid);
        if (target !== null) target.before = activity;
        leaving.delete(key);
      }
    }
  };

  return {
    observe: (rows) => {
      for (const row of rows) {
        const [workspaceId, kid, generation, startedMs] = [row[WORKSPACE], row[KID], row[GENERATION], row[STARTED]];
        if (typeof workspaceId !== 'string' || typeof kid !== 'string') continue;
        // Without a generation no secret was proven.
        if (typeof generation !== 'number' || typeof startedMs !== 'number') continue;
        const [address, agent] = [row[ADDRESS], row[AGENT]];
        entryOf(workspaceId, kid)?.tally.add({
          ...{ generation, startedMs },
          address: typeof address === 'string' ? address : '',
          userAgent: typeof agent === 'string' ? agent : '',
        });
      }
    },
    pending: (workspaceId, kid) => {
      const parts = [leaving, fresh].flatMap((part) => {
        const entry = part.get(keyOf(workspaceId, kid));
        return (entry && activityOf(entry)) ?? [];
      });
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
  let told = 0;
  const flush = async () => {
    await log
      .flush()
      .catch((error: unknown) => errors.error({ err: error }, 'the activity of keys could not be stored'));
    if (log.dropped === told) return;
    told = log.dropped;
    errors.error({ dropped: told }, 'calls were not counted: too many keys are used between two writes');
  };
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

/** What was counted, with what came before; null for nothing. */
function activityOf({ before, tally }: Counted): KeyActivity | null {
  const counted = tally.read();
  return before !== null && counted !== null ? mergeActivity(before, counted) : (before ?? counted);
}
