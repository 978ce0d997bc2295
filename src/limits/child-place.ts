/**
 * The places for delegated keys of one key. Whoever signs them may sign any number, and each that
 * has limits of its own claims counters in the table of everybody: so only so many may at a time. A
 * child takes its place before its first call is counted, on whichever worker, and keeps it to its end.
 */
import type { CallLimits, CallRefused, LevelLimits } from './call-limits.ts';
import type { Counter, Counters, Ledger, LeaseState } from './counters.ts';
import { NO_ROOM, REFUSED } from './counters.ts';
import { OVERLOADED } from './limit-readings.ts';

export interface Child {
  readonly parentKid: string;
  /** Unique among the children of its parent. */
  readonly id: string;
  /** Its own. */
  readonly limits: object;
  readonly endsAtMs: number;
  /** How many places its parent has. */
  readonly placesMax: number;
}

/** The places of a key that are taken. */
export function readPlaces(counters: Counters, parentKid: string, nowMs: number): LeaseState {
  return counters.leased(openPlaces(counters, parentKid), nowMs);
}

/** Whether a call of the child would be counted: it has its place, needs none, or one is free. Takes nothing. */
export function hasRoom(counters: Counters, child: Child, nowMs: number): boolean {
  if (!holdsCounters(child.limits)) return true;
  if (isPlaced(counters, openOwn(counters, child), nowMs)) return true;
  return readPlaces(counters, child.parentKid, nowMs).live < child.placesMax;
}

/** Limits that count no call before the child has its place, if it needs one. */
export function withPlace(counters: Counters, limits: CallLimits, child: Child): CallLimits {
  if (!holdsCounters(child.limits)) return limits;
  const places = openPlaces(counters, child.parentKid);
  const own = openOwn(counters, child);
  let hasPlace = false;
  return {
    ...limits,
    take(nowMs, need) {
      if (!hasPlace) {
        const refused = takePlace(counters, { places, own, child }, nowMs);
        if (refused !== null) return refused;
        hasPlace = true;
      }
      return limits.take(nowMs, need);
    },
  };
}

interface Claim {
  readonly places: Counter;
  /** Spent or held: the child has its place. */
  readonly own: Ledger;
  readonly child: Child;
}

/** First the place, then the mark that the child has it: no other thread finds the mark without the place. */
function takePlace(
  counters: Counters,
  { places, own, child: { endsAtMs, placesMax } }: Claim,
  nowMs: number,
): CallRefused | null {
  if (isPlaced(counters, own, nowMs)) return null;
  const left = counters.lease(places, placesMax, endsAtMs, nowMs);
  if (left === NO_ROOM) return OVERLOADED;
  // The last place may be its own, taken by another thread just now.
  if (left === REFUSED) return isPlaced(counters, own, nowMs) ? null : full(counters.leased(places, nowMs), nowMs);
  const marked = counters.reserve(own, 1, 1, nowMs);
  if (marked >= 0) {
    counters.settle(own, 1, 1, nowMs);
    return null;
  }
  counters.endLease(places, endsAtMs, nowMs);
  return marked === REFUSED ? null : OVERLOADED;
}

function isPlaced(counters: Counters, own: Ledger, nowMs: number): boolean {
  const { spent, held } = counters.read(own, nowMs);
  return spent + held > 0;
}

function full({ soonestEndMs }: LeaseState, nowMs: number): CallRefused {
  const retryAfterMs = soonestEndMs === null ? 1 : Math.max(1, Math.ceil(soonestEndMs - nowMs));
  return { ok: false, code: 'keys_exhausted', by: null, retryAfterMs };
}

function openOwn(counters: Counters, { parentKid, id, endsAtMs }: Child): Ledger {
  const own = counters.ledger(`delegated:${parentKid}.${id}:place`, 'total');
  own.endsAtMs = endsAtMs;
  return own;
}

function openPlaces(counters: Counters, parentKid: string): Counter {
  return counters.leases(`${parentKid}:children`);
}

/** Limits of which nothing is counted over calls: each call is judged by itself. */
const UNCOUNTED: ReadonlySet<string> = new Set<keyof LevelLimits | 'responseBytesMax'>([
  'tokensPerCallMax',
  'costPerCallMax',
  'responseBytesMax',
]);

/** Whether limits claim counters of their own. */
function holdsCounters(limits: object): boolean {
  return Object.entries(limits).some(([name, limit]) => limit !== null && limit !== undefined && !UNCOUNTED.has(name));
}
