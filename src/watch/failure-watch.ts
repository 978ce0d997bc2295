/**
 * Counts failures out of call records, off the path of calls: those that name a key and do not prove
 * it, and calls with keys that have ended. Memory is bounded whatever is sent: only keys that exist
 * are counted one by one, unknown ones by the network they come from.
 */
import { setImmediate } from 'node:timers/promises';
import type { ResponseRuleRow, When } from '../admin/response-stores.ts';
import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRow } from '../calls/call-record.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { callerNetwork } from './caller-network.ts';
import { SlidingCount } from './sliding-count.ts';

export interface FailureFinding {
  readonly kind: 'repeated_failures' | 'dead_key_use';
  readonly workspaceId: string;
  readonly subject:
    | { readonly kind: 'key'; readonly kid: string }
    | { readonly kind: 'network'; readonly network: string };
  readonly evidence: string;
  readonly ruleIds: readonly string[];
}

export interface FailureWatchOptions {
  /** The rules of a workspace, as they are now. */
  readonly rulesOf: (workspaceId: string) => Promise<readonly ResponseRuleRow[]>;
  /** The workspace of a key; null: there is no such key. */
  readonly workspaceOf: (kid: string) => Promise<string | null>;
  readonly raise: (finding: FailureFinding) => Promise<unknown>;
  /** A network tries keys that nobody has. */
  readonly onUnknownKeys: (network: string, count: number) => Promise<unknown>;
  readonly onError: (error: Error) => void;
  /** Records that wait to be looked at; more are not counted. */
  readonly waitingMax?: number;
  /** Keys, and networks, that are counted at the same time. */
  readonly countedMax?: number;
}

export interface FailureWatch {
  /** Takes records at once and without failing. */
  observe(rows: readonly CallRow[]): void;
  /** Resolves when everything observed before was looked at and reacted to. */
  idle(): Promise<void>;
  /** Records that were not counted: too many came at once. */
  readonly dropped: number;
  /** Counters in memory. */
  readonly counted: number;
}

/** So many unknown keys out of one network within ten minutes are told to operators. */
export const UNKNOWN_KEYS = { count: 100, withinMs: 600_000 } as const;

const LOOKED_AT_IN_A_ROW = 500;

/** After a count was full, so long it counts nothing: no rule acts again so soon, and a flood costs little. */
const QUIET_MS = 10_000;

interface Counter {
  readonly sliding: SlidingCount;
  quietUntilMs: number;
}

interface Seen {
  readonly kid: string;
  /** Null: nothing was proven. */
  readonly workspaceId: string | null;
  readonly code: string;
  readonly network: string;
  readonly atMs: number;
}

const at = (field: (typeof CALL_FIELDS)[number]): number => CALL_FIELDS.indexOf(field);
const WORKSPACE = at('workspaceId');
const KID = at('kid');
const CODE = at('code');
const STARTED = at('startedAtMs');
const ADDRESS = at('clientAddress');

const FAILED: ReadonlySet<unknown> = new Set(['secret_mismatch', 'unknown_key']);
const ENDED: ReadonlySet<unknown> = new Set(['revoked', 'compromised', 'expired']);

export function createFailureWatch(options: FailureWatchOptions): FailureWatch {
  const { waitingMax = 50_000, countedMax = 20_000 } = options;
  const keys = new BoundedMap<string, Counter>(countedMax);
  // Apart: who comes from many networks must not make the counts of keys be forgotten.
  const networks = new BoundedMap<string, Counter>(countedMax);
  const homes = new BoundedMap<string, string | null>(countedMax);
  let waiting: Seen[] = [];
  let working: Promise<void> | null = null;
  let dropped = 0;
  let told = 0;

  /** Whether this one makes the count full; then it begins anew, after a while. */
  const reaches = (counts: typeof keys, name: string, { count, withinMs }: Threshold, atMs: number): boolean => {
    let counter = counts.get(name);
    if (counter?.sliding.count !== count || counter.sliding.withinMs !== withinMs) {
      counter = { sliding: new SlidingCount(count, withinMs), quietUntilMs: -Infinity };
      counts.set(name, counter);
    }
    if (atMs < counter.quietUntilMs || !counter.sliding.add(atMs)) return false;
    counter.quietUntilMs = atMs + QUIET_MS;
    return true;
  };

  const homeOf = async (kid: string): Promise<string | null> => {
    const known = homes.get(kid);
    if (known !== undefined) return known;
    const home = await options.workspaceOf(kid);
    homes.set(kid, home);
    return home;
  };

  const lookAt = async (seen: Seen, rulesOf: RuleReader): Promise<void> => {
    const workspaceId = seen.workspaceId ?? (await homeOf(seen.kid));
    if (workspaceId === null) {
      if (seen.network === '' || !reaches(networks, `unknown ${seen.network}`, UNKNOWN_KEYS, seen.atMs)) return;
      await options.onUnknownKeys(seen.network, UNKNOWN_KEYS.count);
      return;
    }
    for (const { id, when } of await rulesOf(workspaceId)) {
      const finding = findingOf(seen, when);
      if (finding === null) continue;
      const { kind, subject, evidence, name, threshold } = finding;
      const counts = subject.kind === 'key' ? keys : networks;
      if (!reaches(counts, `${id} ${name}`, threshold, seen.atMs)) continue;
      await options.raise({ kind, subject, evidence, workspaceId, ruleIds: [id] });
    }
  };

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const rulesOf = rememberRules(options.rulesOf);
      for (const [index, seen] of batch.entries()) {
        // The store works synchronously: the admin API gets its turn in between.
        if (index % LOOKED_AT_IN_A_ROW === LOOKED_AT_IN_A_ROW - 1) await setImmediate();
        await lookAt(seen, rulesOf).catch((cause: unknown) => {
          options.onError(new Error('a failed call could not be reacted to', { cause }));
        });
      }
    }
    if (dropped === told) return;
    told = dropped;
    options.onError(new Error(`failed calls were not counted, because too many came at once: ${told} since the start`));
  };

  const idle = async (): Promise<void> => {
    if (working === null) return;
    await working;
    await idle();
  };

  return {
    observe: (rows) => {
      for (const row of rows) {
        const seen = read(row);
        if (seen === null) continue;
        if (waiting.length < waitingMax) waiting.push(seen);
        else dropped += 1;
      }
      if (waiting.length === 0 || working !== null) return;
      working = drain().finally(() => {
        working = null;
      });
    },
    idle,
    get dropped() {
      return dropped;
    },
    get counted() {
      return keys.size + networks.size + homes.size;
    },
  };
}

interface Threshold {
  readonly count: number;
  readonly withinMs: number;
}

type RuleReader = (workspaceId: string) => Promise<readonly ResponseRuleRow[]>;

/** Read once a batch, so that a change of the rules counts from the next one on. */
function rememberRules(rulesOf: RuleReader): RuleReader {
  const known = new Map<string, Promise<readonly ResponseRuleRow[]>>();
  const readRules: RuleReader = async (workspaceId) =>
    (await rulesOf(workspaceId)).filter(({ state }) => state === 'active' || state === 'dry-run');
  return (workspaceId) => {
    const rules = known.get(workspaceId) ?? readRules(workspaceId);
    known.set(workspaceId, rules);
    return rules;
  };
}

function read(row: CallRow): Seen | null {
  const [code, kid, startedMs, workspaceId, address] = [
    row[CODE],
    row[KID],
    row[STARTED],
    row[WORKSPACE],
    row[ADDRESS],
  ];
  if (typeof code !== 'string' || typeof kid !== 'string' || typeof startedMs !== 'number') return null;
  const failed = FAILED.has(code);
  if (!failed && !ENDED.has(code)) return null;
  const proven = typeof workspaceId === 'string' ? workspaceId : null;
  if (!failed && proven === null) return null;
  const network = typeof address === 'string' ? callerNetwork(address) : '';
  return { kid, workspaceId: proven, code, network, atMs: startedMs };
}

interface Finding {
  readonly kind: FailureFinding['kind'];
  readonly subject: FailureFinding['subject'];
  readonly evidence: string;
  /** Of its counter. */
  readonly name: string;
  readonly threshold: Threshold;
}

/** What a call counts for, by the rule; null: for nothing. */
function findingOf({ kid, code, network }: Seen, when: When): Finding | null {
  if (when.kind === 'dead_key_use' && ENDED.has(code)) {
    const evidence = `${when.count} calls within ${seconds(when.withinMs)} were made with it although it is ${code}`;
    return { kind: when.kind, subject: { kind: 'key', kid }, evidence, name: kid, threshold: when };
  }
  if (when.kind !== 'repeated_failures' || !FAILED.has(code)) return null;
  if (when.per === 'key') {
    const evidence = `${when.count} calls within ${seconds(when.withinMs)} named it and did not prove it, the last from ${network === '' ? 'an unknown network' : network}`;
    return { kind: when.kind, subject: { kind: 'key', kid }, evidence, name: kid, threshold: when };
  }
  if (network === '') return null;
  const evidence = `${when.count} calls within ${seconds(when.withinMs)} named keys of this workspace and did not prove them`;
  return { kind: when.kind, subject: { kind: 'network', network }, evidence, name: network, threshold: when };
}

function seconds(timeMs: number): string {
  return `${Math.round(timeMs / 1000)} s`;
}
