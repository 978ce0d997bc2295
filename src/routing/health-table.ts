/**
 * How credentials and endpoints stand, seen the same by all threads of a machine: an open-addressing
 * table in one SharedArrayBuffer. Only what has failed takes a place, and a look at one that never
 * did costs one atomic read. Nothing here is locked: each place is one word (see health-word.ts),
 * changed by compare-and-exchange.
 */
import { AppError } from '../errors.ts';
import { tagOf } from '../lib/name-tag.ts';
import { packHealth, unpackHealth, WELL } from './health-word.ts';
import type { Health } from './health-word.ts';

/** One credential, one model of a credential, or one endpoint. Made once, used by one thread. */
export interface HealthPlace {
  readonly tag: bigint;
  /** -1: not found so far. */
  slot: number;
  /** How many places were taken when it was looked for last. */
  claimsSeen: number;
}

export interface HealthTable {
  place(name: string): HealthPlace;
  read(place: HealthPlace): Health;
  /**
   * Replaces what is there by what `change` makes of it, as one step for all threads; `change` may
   * be called again when another thread was faster, and returns null to leave it. Returns what holds
   * then, or null when there is no room for another place.
   */
  update(place: HealthPlace, nowMs: number, change: (health: Health) => Health | null): Health | null;
}

/** The first slot counts the places that were taken. A slot: the tag, then the word. */
const SLOT_BYTES = 16;
const SLOT_NUMBERS = 2;
const CLAIMS = 0;
/** How far a place may stand from where its tag puts it. */
const PROBES_MAX = 128;
/** In a full table, what has been out of trouble for so long makes room. */
const IDLE_MS = 3_600_000;

/** The memory for `places` (16 bytes each), to be handed to every thread. */
export function createHealthTable(places: number): SharedArrayBuffer {
  if (!Number.isSafeInteger(places) || places < 1) {
    throw new AppError('configuration_error', { internal: 'a health table needs at least one place' });
  }
  return new SharedArrayBuffer((places + 1) * SLOT_BYTES);
}

/** A thread's access to the table. */
export function openHealthTable(buffer: SharedArrayBuffer): HealthTable {
  const words = new BigInt64Array(buffer);
  const claims = new Int32Array(buffer, CLAIMS, 1);
  const slots = buffer.byteLength / SLOT_BYTES - 1;
  const probes = Math.min(slots, PROBES_MAX);

  /** Looks for the place of a tag, unless nothing was taken since it was looked for in vain. */
  function locate(place: HealthPlace): number {
    if (place.slot !== -1) {
      if (words[place.slot] === place.tag) return place.slot;
      place.slot = -1; // it was idle, and made room
    }
    const taken = Atomics.load(claims, 0);
    if (taken === place.claimsSeen) return -1;
    place.claimsSeen = taken;
    for (let probe = 0; probe < probes; probe += 1) {
      const slot = slotOf(place.tag, probe);
      const tag = Atomics.load(words, slot);
      if (tag === place.tag) return (place.slot = slot);
      if (tag === 0n) return -1; // places are never emptied: it would stand here
    }
    return -1;
  }

  function claim(place: HealthPlace, nowMs: number): number {
    for (let probe = 0; probe < probes; probe += 1) {
      const slot = slotOf(place.tag, probe);
      const found = Atomics.compareExchange(words, slot, 0n, place.tag);
      if (found === 0n || found === place.tag) return take(place, slot);
    }
    for (let probe = 0; probe < probes; probe += 1) {
      const slot = slotOf(place.tag, probe);
      const tag = Atomics.load(words, slot);
      if (!isIdle(unpackHealth(Atomics.load(words, slot + 1)), nowMs)) continue;
      if (Atomics.compareExchange(words, slot, tag, place.tag) !== tag) continue;
      Atomics.store(words, slot + 1, 0n);
      return take(place, slot);
    }
    return -1;
  }

  function take(place: HealthPlace, slot: number): number {
    place.slot = slot;
    Atomics.add(claims, 0, 1);
    return slot;
  }

  function slotOf(tag: bigint, probe: number): number {
    const start = Number(BigInt.asUintN(32, tag));
    return (1 + ((start + probe) % slots)) * SLOT_NUMBERS;
  }

  return {
    place(name) {
      const { low, high } = tagOf(name);
      const tag = (BigInt(high) << 32n) | BigInt(low >>> 0);
      return { tag, slot: -1, claimsSeen: -1 };
    },

    read(place) {
      const slot = locate(place);
      return slot === -1 ? WELL : unpackHealth(Atomics.load(words, slot + 1));
    },

    update(place, nowMs, change) {
      let slot = locate(place);
      for (;;) {
        const word = slot === -1 ? 0n : Atomics.load(words, slot + 1);
        const before = unpackHealth(word);
        const after = change(before);
        if (after === null) return before;
        const wanted = packHealth(after);
        if (wanted === word) return after;
        if (slot === -1) {
          slot = claim(place, nowMs);
          if (slot === -1) return null;
          continue; // another thread may have written to it in the meantime
        }
        if (Atomics.compareExchange(words, slot + 1, word, wanted) === word) return after;
      }
    },
  };
}

function isIdle({ untilMs }: Health, nowMs: number): boolean {
  return nowMs - untilMs > IDLE_MS;
}
