/** Ports to storage of who may use the admin API. Times are unix milliseconds. */
import type { KeySecret } from '../keys/key-record.ts';
import type { Page, PageRequest } from './stores.ts';

/** A token of the admin API. */
export interface AdminTokenRow {
  readonly kid: string;
  readonly name: string;
  /** The person who answers for it; null: nobody in particular. */
  readonly ownerId: string | null;
  readonly state: 'active' | 'suspended' | 'revoked';
  readonly stateReason: string | null;
  /** Names of permissions, or `*`. What this version does not know opens nothing. */
  readonly permissions: readonly string[];
  /** CIDR blocks from which it is accepted; null: from anywhere. */
  readonly addresses: readonly string[] | null;
  readonly secrets: readonly KeySecret[];
  readonly notBeforeMs: number | null;
  readonly expiresAtMs: number | null;
  readonly revision: number;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly updatedAtMs: number;
  readonly revokedAtMs: number | null;
}

export interface AdminTokenStore {
  insert(row: AdminTokenRow): Promise<void>;
  get(kid: string): Promise<AdminTokenRow | null>;
  list(page: PageRequest, filter: { readonly state?: AdminTokenRow['state'] }): Promise<Page<AdminTokenRow>>;
  /** Raises the revision; false when it was not the one of the row (someone else changed it). */
  update(row: AdminTokenRow): Promise<boolean>;
}

/** A token, and whose it is. */
export interface FoundAdminToken {
  readonly workspaceId: string;
  readonly row: AdminTokenRow;
}

/** An admin call that was refused although its token was proven. */
export interface AdminRefusalRow {
  readonly requestId: string;
  readonly kid: string;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly address: string;
  readonly status: number;
  readonly code: string;
  /** What it was decided on, as `keys/decision-log.ts` writes it. */
  readonly decision: string;
  readonly configVersion: number;
}

export interface AdminRefusalStore {
  /** Keeps the last ones of each token, so many as `keptMax`. */
  insert(row: AdminRefusalRow, keptMax: number): Promise<void>;
  get(requestId: string): Promise<AdminRefusalRow | null>;
}

export interface AccessStores {
  readonly adminTokens: AdminTokenStore;
  readonly adminRefusals: AdminRefusalStore;
}
