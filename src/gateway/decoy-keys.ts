import { randomBytes } from 'node:crypto';
import { BLANK_KEY } from '../keys/blank-key.ts';
import { cachedKeyOf } from './key-cache.ts';
import type { CachedKey } from './key-cache.ts';

/** So many that they are found in memory as seldom at hand as the keys that are there. */
const DECOYS = 1024;
/** A pepper of which none has the version. */
const NO_VERSION = -1;

/**
 * Keys that nobody holds and no secret proves. What is sent for an unknown id is compared with one of
 * them, by the same way and with objects of the same shape, so that time does not tell who exists.
 */
const decoy = makeDecoy();
const decoys: readonly CachedKey[] = Array.from({ length: DECOYS }, makeDecoy);

/** The decoy for an unknown id, the same whenever it is asked for. */
export function decoyFor(kid: string): CachedKey {
  let place = 0;
  for (let i = 0; i < 4; i += 1) place = place * 31 + kid.charCodeAt(i);
  return decoys[place % DECOYS] ?? decoy;
}

function makeDecoy(): CachedKey {
  const hash = randomBytes(32).toString('latin1');
  // Cloned as the records of keys are on their way to a worker: that gives them one shape.
  const record = structuredClone({
    ...BLANK_KEY,
    kid: randomBytes(6).toString('hex'),
    secrets: [{ hash, pepperVersion: NO_VERSION, state: 'superseded', notAfterMs: 0 } as const],
  });
  return cachedKeyOf(record);
}
