/** What is live of all that was made from a key: minted by the server, or signed by its holder. */
import { MINTING_DEFAULT } from '../keys/minting-policy.ts';
import type { CallContext } from './contract.ts';
import type { KeyRow } from './stores.ts';

export interface LivePool {
  /** What is in it, for sentences. */
  readonly what: 'temporary keys' | 'delegated keys with limits of their own';
  readonly live: number;
  readonly soonestEndMs: number | null;
}

/** Both have the same room, each for itself. */
export interface KeyPools {
  readonly limit: number;
  readonly temporary: LivePool;
  readonly delegated: LivePool;
  /** The one that is full first. */
  readonly fuller: LivePool;
}

export async function poolsOf({ workspace, deps, nowMs }: CallContext, key: KeyRow): Promise<KeyPools> {
  const { liveMax } = key.minting ?? MINTING_DEFAULT;
  const temporary = { what: 'temporary keys', ...(await workspace.keys.livePool(key.kid, nowMs)) } as const;
  const delegated = {
    what: 'delegated keys with limits of their own',
    ...deps.keyLimits.delegated(key.kid, nowMs),
  } as const;
  return { limit: liveMax, temporary, delegated, fuller: delegated.live > temporary.live ? delegated : temporary };
}
