/**
 * A spin lock on one word of shared memory. The word holds the owner (worker index + 1), so that a
 * lock whose worker died can be told and broken. What it guards takes well under a microsecond.
 */

/** Tries before sleeping: a holder that runs is done long before. */
const SPINS_MAX = 2_000;
/** A holder that does not run was preempted: sleeping lets it. Unlocking wakes nobody, which keeps it cheap. */
const SLEEP_MS = 1;

/** Takes the lock. False when it was not free within about `patienceMs`. */
export function lock(words: Int32Array, at: number, owner: number, patienceMs: number): boolean {
  return Atomics.compareExchange(words, at, 0, owner) === 0 || lockSlowly(words, at, owner, patienceMs);
}

export function unlock(words: Int32Array, at: number): void {
  Atomics.store(words, at, 0);
}

function lockSlowly(words: Int32Array, at: number, owner: number, patienceMs: number): boolean {
  for (let sleeps = 0; sleeps <= patienceMs / SLEEP_MS; sleeps += 1) {
    for (let spins = 0; spins < SPINS_MAX; spins += 1) {
      if (Atomics.load(words, at) === 0 && Atomics.compareExchange(words, at, 0, owner) === 0) return true;
    }
    const holder = Atomics.load(words, at);
    if (holder !== 0) Atomics.wait(words, at, holder, SLEEP_MS);
  }
  return false;
}
