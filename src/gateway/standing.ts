import type { PreparedKey } from '../keys/prepare.ts';
import type { Standing } from '../keys/standing.ts';
import { standingOf } from '../keys/standing.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import type { CachedKey } from './key-cache.ts';

/** How many keys may stand above one another. */
const ANCESTORS_MAX = 4;

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

/** Where the call's key stands under the call's configuration; worked out once for both. */
export function standingFor(gateway: Gateway, call: Call, key: CachedKey): Standing {
  const { config } = call;
  const known = key.standing;
  const hasAncestors = key.prepared.record.parentKid !== null;
  if (known !== null && known.config === config && (!hasAncestors || known.keyChanges === gateway.keys.changes)) {
    return known.standing;
  }
  const standing = standingOf(key.prepared, ancestorsOf(gateway, key), call.workspace?.snapshot ?? null);
  key.standing = { standing, config, keyChanges: gateway.keys.changes };
  return standing;
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
