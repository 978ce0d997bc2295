/**
 * The port to where an embedded Keyward keeps its keys: implemented over SQLite and in memory, and
 * open to any other implementation. A change and its audit entry are stored together or not at all.
 */
import type { CallStore, CounterStore } from '../admin/call-stores.ts';
import type { AuditRow, KeyFilter, KeyRow, Page, PageRequest } from '../admin/stores.ts';
import type { KeySource } from '../keys/store.ts';
import type { StatedPrice } from '../llm/stated-price.ts';

/** A provider's own key, without its secret: where it is presented, and how. */
export interface RealKeyRow {
  readonly id: string;
  /** The provider's name in records and in model scopes. */
  readonly provider: string;
  readonly baseUrl: string;
  /** Header that carries the secret, lower case. */
  readonly header: string;
  /** What stands before the secret in it, for example `Bearer `. */
  readonly prefix: string;
  /** USD per million tokens by model, `*` for any other. */
  readonly prices: Readonly<Record<string, StatedPrice>>;
  /** Last characters of the secret, for people. */
  readonly hint: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A key, and the real one that it stands for; null: none, it can only be verified. */
export interface MaskedKeyRow extends KeyRow {
  readonly realId: string | null;
}

/** What proves a backend. */
export interface BackendTokenRow {
  readonly kid: string;
  /** HMAC of the secret, 32 bytes as latin-1. */
  readonly hash: string;
  readonly pepperVersion: number;
  readonly createdAtMs: number;
}

export type KeyPatch = Partial<Omit<KeyRow, 'kid' | 'revision' | 'createdAtMs' | 'createdBy'>>;

export interface KeywardStorage extends KeySource {
  /** `real`: a new real key with its secret, stored with the key. */
  insertKey(
    row: MaskedKeyRow,
    audit: AuditRow,
    real?: { readonly row: RealKeyRow; readonly secret: string },
  ): Promise<void>;
  getKey(kid: string): Promise<MaskedKeyRow | null>;
  listKeys(page: PageRequest, filter: KeyFilter): Promise<Page<MaskedKeyRow>>;
  /** Raises the revision; false, having changed nothing, when it was not the expected one. */
  updateKey(kid: string, expectedRevision: number, patch: KeyPatch, audit: AuditRow): Promise<boolean>;
  /** The temporary keys of a key that have not ended: how many, and when the first of them ends. */
  livePool(parentKid: string, nowMs: number): Promise<{ readonly live: number; readonly soonestEndMs: number | null }>;
  /** With the secret as it was handed over; a storage of one's own is handed sealed ones only. */
  getReal(id: string): Promise<{ readonly row: RealKeyRow; readonly secret: string } | null>;
  /** The new secret of a real key; false when there is none of that id. */
  replaceReal(
    id: string,
    next: { readonly secret: string; readonly hint: string; readonly updatedAtMs: number },
    audit: AuditRow,
  ): Promise<boolean>;
  getBackendToken(): Promise<BackendTokenRow | null>;
  /** In place of any before it. */
  setBackendToken(row: BackendTokenRow, audit: AuditRow): Promise<void>;
  readonly calls: Pick<CallStore, 'write' | 'list' | 'usage'>;
  /** Counts over restarts; null: they begin anew. */
  readonly counters: CounterStore | null;
  close(): Promise<void>;
}
