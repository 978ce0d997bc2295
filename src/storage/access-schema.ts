/** Tables of who may use the admin API. */
import type { WorkspaceColumn } from './schema.ts';

export interface AdminTokensTable {
  readonly workspace_id: WorkspaceColumn;
  readonly kid: string;
  readonly name: string;
  readonly owner_id: string | null;
  readonly state: string;
  readonly state_reason: string | null;
  /** JSON: list of names. */
  readonly permissions: string;
  /** JSON: list of CIDR blocks; null: from anywhere. */
  readonly addresses: string | null;
  /** JSON: list of hashes (base64), never of secrets. */
  readonly secrets: string;
  readonly not_before_ms: number | null;
  readonly expires_at_ms: number | null;
  readonly revision: number;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly updated_at_ms: number;
  readonly revoked_at_ms: number | null;
}

export interface AdminRefusalsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly request_id: string;
  readonly kid: string;
  readonly at_ms: number;
  readonly method: string;
  readonly path: string;
  readonly address: string;
  readonly status: number;
  readonly code: string;
  /** JSON: what it was decided on. */
  readonly decision: string;
  readonly config_version: number;
}
