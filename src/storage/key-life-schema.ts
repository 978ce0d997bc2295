/** Tables of what happens to keys by rule and by job. */
import type { WorkspaceColumn } from './schema.ts';

/** One row a recurring job, for every node. */
export interface JobsTable {
  readonly name: string;
  readonly due_at_ms: number;
  readonly lease_owner: string | null;
  readonly lease_until_ms: number | null;
  readonly started_at_ms: number | null;
  readonly finished_at_ms: number | null;
  readonly succeeded_at_ms: number | null;
  readonly failures: number;
  readonly last_error: string | null;
}

export interface KeyActivityTable {
  readonly workspace_id: WorkspaceColumn;
  readonly kid: string;
  readonly last_used_at_ms: number;
  readonly last_address: string;
  /** JSON: list, one entry a secret. */
  readonly generations: string;
  /** JSON: list. */
  readonly callers: string;
}

export interface RotationPoliciesTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly name: string;
  readonly position: number;
  readonly state: string;
  /** JSON. */
  readonly selector: string;
  readonly interval_ms: number | null;
  readonly maximum_age_ms: number | null;
  readonly overlap_ms: number;
  /** JSON; null: the old secret ends with the overlap. */
  readonly when_unused: string | null;
  /** JSON. */
  readonly delivery: string;
  readonly idle_after_ms: number | null;
  readonly suspend_idle: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface RevealsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly kid: string;
  /** Base64, of the token's secret. */
  readonly hash: string;
  readonly pepper_version: number;
  /** Sealed with the workspace's data key of `data_key_version`; null once it was opened or erased. */
  readonly sealed: Uint8Array | null;
  readonly data_key_version: number;
  readonly expires_at_ms: number;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly opened_at_ms: number | null;
}

export interface WebhooksTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** JSON: list of types. */
  readonly events: string;
  readonly state: string;
  readonly public_key: string | null;
  /** Sealed with the workspace's data key of `data_key_version`. */
  readonly secret: Uint8Array;
  readonly secret_version: number;
  readonly data_key_version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface OutboxTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly webhook_id: string;
  readonly event_id: string;
  readonly event_type: string;
  /** JSON; empty once it is not needed any more. Never holds a secret that is not sealed to its receiver. */
  readonly body: string;
  readonly state: string;
  readonly attempts: number;
  readonly due_at_ms: number;
  readonly created_at_ms: number;
  readonly finished_at_ms: number | null;
  readonly last_status: number | null;
  readonly last_error: string | null;
}

export interface AlertsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly kind: string;
  readonly severity: string;
  readonly subject_kind: string;
  readonly subject_id: string;
  readonly dedupe_key: string;
  readonly message: string;
  /** JSON. */
  readonly detail: string;
  readonly state: string;
  readonly first_seen_at_ms: number;
  readonly last_seen_at_ms: number;
  readonly acknowledged_at_ms: number | null;
  readonly acknowledged_by: string | null;
  readonly resolved_at_ms: number | null;
}
