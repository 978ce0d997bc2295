import { randomBytes } from 'node:crypto';
import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';
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
  // Cloned as the records of keys are on their way to a worker: that gives them one shape.
  return cachedKeyOf(
    structuredClone({
      kid: randomBytes(6).toString('hex'),
      type: 'kwk',
      parentKid: null,
      binding: null,
      workspaceId: '',
      applicationId: '',
      ownerId: null,
      environment: 'live',
      state: 'revoked',
      suspension: null,
      secrets: [
        {
          hash: randomBytes(32).toString('latin1'),
          pepperVersion: NO_VERSION,
          state: 'superseded',
          notAfterMs: 0,
        },
      ],
      notBeforeMs: null,
      expiresAtMs: null,
      scopes: NO_SCOPES,
      scopesSetAtMs: 0,
      limits: NO_LIMITS,
      delegation: null,
      minting: null,
      revision: 0,
    }),
  );
}
