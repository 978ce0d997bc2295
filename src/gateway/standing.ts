/** Where a call's key stands, and the limits that hold there: worked out once for a key and a configuration. */
import type { DelegatedClaims } from '../keys/delegation-claims.ts';
import type { PreparedKey } from '../keys/prepare.ts';
import type { Standing } from '../keys/standing.ts';
import { childOf, standingOf, withDelegated } from '../keys/standing.ts';
import type { CallLimits } from '../limits/call-limits.ts';
import { bindCallLimits } from '../limits/call-limiter.ts';
import { withPlace } from '../limits/child-place.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import type { CachedKey } from './key-cache.ts';
import type { LiveConfig } from './live-config.ts';

/** How many keys may stand above one another. */
const ANCESTORS_MAX = 4;

export interface BoundStanding {
  readonly standing: Standing;
  readonly limits: CallLimits;
  /** Whether any limit counts tokens or money, so that a call has to be estimated. */
  readonly isMetered: boolean;
  /** Whether any limit counts money, so that the model must have a price. */
  readonly asksPrice: boolean;
  /** The largest answer that every level allows; Infinity where none limits it. */
  readonly responseBytesMax: number;
  readonly key: CachedKey;
  readonly config: LiveConfig;
  /** Of the key cache: an ancestor may have changed since. */
  readonly keyChanges: number;
}

/** Loads the keys that a key was minted from, as far as the worker does not know them. */
export async function loadAncestors(gateway: Gateway, key: CachedKey): Promise<void> {
  let { parentKid } = key.prepared.record;
  for (let depth = 0; parentKid !== null && depth < ANCESTORS_MAX; depth += 1) {
    const parent: CachedKey | null = gateway.keys.peek(parentKid) ?? (await gateway.keys.load(parentKid));
    parentKid = parent?.prepared.record.parentKid ?? null;
  }
}

/** Whether the worker knows every key that this one was minted from, or knows that there is none. */
export function knowsAncestors(gateway: Gateway, key: CachedKey): boolean {
  let { parentKid } = key.prepared.record;
  for (let depth = 0; parentKid !== null && depth < ANCESTORS_MAX; depth += 1) {
    const parent = gateway.keys.peek(parentKid);
    if (parent === undefined) return false;
    parentKid = parent?.prepared.record.parentKid ?? null;
  }
  return true;
}

/** Where the call's credential stands under the call's configuration. */
export function standingFor(gateway: Gateway, call: Call, key: CachedKey): BoundStanding {
  const { delegated, claims } = call;
  const known = delegated === null ? key.standing : (gateway.delegatedStandings.get(delegated.text) ?? null);
  if (known !== null && isCurrent(gateway, call, key, known)) return known;
  const ofKey = standingOf(key.prepared, ancestorsOf(gateway, key), call.workspace?.snapshot ?? null);
  const standing = claims === null ? ofKey : withDelegated(ofKey, claims);
  const bound: BoundStanding = {
    standing,
    ...bindLimits(gateway, standing, claims),
    key,
    config: call.config,
    keyChanges: gateway.keys.changes,
  };
  if (delegated === null) key.standing = bound;
  else gateway.delegatedStandings.set(delegated.text, bound);
  return bound;
}

function isCurrent(gateway: Gateway, call: Call, key: CachedKey, known: BoundStanding): boolean {
  if (known.config !== call.config || known.key !== key) return false;
  return key.prepared.record.parentKid === null || known.keyChanges === gateway.keys.changes;
}

function bindLimits({ counters }: Gateway, { levels, key }: Standing, claims: DelegatedClaims | null) {
  const bound = bindCallLimits(counters, levels);
  const limits = claims === null ? bound : withPlace(counters, bound, childOf(claims, key.record.minting));
  const asksPrice = levels.some(
    ({ limits: { budgets, costPerCallMax } }) => budgets !== null || costPerCallMax !== null,
  );
  const countsTokens = levels.some(
    ({ limits: { tokensPerMinute, tokensPerDay, tokensPerCallMax } }) =>
      tokensPerMinute !== null || tokensPerDay !== null || tokensPerCallMax !== null,
  );
  const responseBytesMax = Math.min(...levels.map(({ limits: own }) => own.responseBytesMax ?? Infinity));
  return { limits, asksPrice, isMetered: asksPrice || countsTokens, responseBytesMax };
}

/** As far as they are known; the engine refuses a chain that does not end. */
function ancestorsOf(gateway: Gateway, key: CachedKey): readonly PreparedKey[] {
  const ancestors: PreparedKey[] = [];
  let { parentKid } = key.prepared.record;
  while (parentKid !== null && ancestors.length < ANCESTORS_MAX) {
    const parent = gateway.keys.peek(parentKid);
    if (parent === null || parent === undefined) break;
    ancestors.push(parent.prepared);
    parentKid = parent.prepared.record.parentKid;
  }
  return ancestors;
}
