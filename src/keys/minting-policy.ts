/** What may be made from a key, by the server or by its holder, and how much of it at a time. */

const HOUR_MS = 3_600_000;

export interface MintingPolicy {
  /** Whether the server mints temporary keys from it. */
  readonly enabled: boolean;
  readonly ttlMaxMs: number;
  /** Temporary keys that may be live at the same time; as many delegated keys with limits of their own. */
  readonly liveMax: number;
}

/** For keys without a policy of their own. */
export const MINTING_DEFAULT: MintingPolicy = { enabled: true, ttlMaxMs: 12 * HOUR_MS, liveMax: 1000 };
