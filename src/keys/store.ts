import type { KeyRecord } from './key-record.ts';

/** The key core's port: where key records come from. Implemented by storage and by the fleet's channel. */
export interface KeySource {
  /** The record of a key id, or `null` when there is none. Rejects when the store cannot answer. */
  findKey(kid: string): Promise<KeyRecord | null>;
}
