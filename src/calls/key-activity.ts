/**
 * Who uses the secrets of a key, added up out of call records: what the log's observer writes, the
 * store keeps and the control plane shows. Lists are bounded.
 */

/** One caller of one secret of a key. */
export interface CallerActivity {
  /** Which secret, counted from 1. */
  readonly generation: number;
  /** A network (/24 or /64), never a whole address. */
  readonly network: string;
  /** The product that its user agent names; empty where it named none. */
  readonly agent: string;
  readonly calls: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Calls of one secret. */
export interface GenerationActivity {
  readonly generation: number;
  readonly calls: number;
  readonly lastMs: number;
}

/** What is known of the use of a key. Lists are bounded: whoever called longest ago is forgotten first. */
export interface KeyActivity {
  readonly kid: string;
  readonly lastUsedAtMs: number;
  readonly lastAddress: string;
  readonly generations: readonly GenerationActivity[];
  readonly callers: readonly CallerActivity[];
}

/** Secrets of a key that are told apart: as many as a key can hold, and some that are gone. */
export const GENERATIONS_MAX = 8;
/** Callers of a key that are told apart. */
export const CALLERS_MAX = 100;

/** Both together. `later` is what was added up after `earlier`. */
export function mergeActivity(earlier: KeyActivity, later: KeyActivity): KeyActivity {
  const newest = later.lastUsedAtMs >= earlier.lastUsedAtMs ? later : earlier;
  return {
    kid: earlier.kid,
    lastUsedAtMs: newest.lastUsedAtMs,
    lastAddress: newest.lastAddress,
    generations: mergeGenerations(earlier.generations, later.generations),
    callers: mergeCallers(earlier.callers, later.callers),
  };
}

/** When a secret was last sent, as far as it is remembered; null: not since it was made. */
export function lastUseOf(activity: KeyActivity | null, generation: number): number | null {
  return activity?.generations.find((known) => known.generation === generation)?.lastMs ?? null;
}

function mergeGenerations(
  earlier: readonly GenerationActivity[],
  later: readonly GenerationActivity[],
): readonly GenerationActivity[] {
  const merged = new Map(earlier.map((known) => [known.generation, known]));
  for (const more of later) {
    const known = merged.get(more.generation);
    merged.set(more.generation, known === undefined ? more : sum(known, more));
  }
  return [...merged.values()].toSorted((a, b) => b.generation - a.generation).slice(0, GENERATIONS_MAX);
}

function mergeCallers(earlier: readonly CallerActivity[], later: readonly CallerActivity[]): readonly CallerActivity[] {
  const nameOf = ({ generation, network, agent }: CallerActivity) => `${generation} ${network} ${agent}`;
  const merged = new Map(earlier.map((known) => [nameOf(known), known]));
  for (const more of later) {
    const known = merged.get(nameOf(more));
    const firstMs = Math.min(known?.firstMs ?? more.firstMs, more.firstMs);
    merged.set(nameOf(more), known === undefined ? more : { ...sum(known, more), firstMs });
  }
  return [...merged.values()].toSorted((a, b) => b.lastMs - a.lastMs).slice(0, CALLERS_MAX);
}

function sum<T extends GenerationActivity>(a: T, b: T): T {
  return { ...a, calls: a.calls + b.calls, lastMs: Math.max(a.lastMs, b.lastMs) };
}
