import type { WorkspaceColumn } from './schema.ts';

export interface CredentialRotationsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly provider_id: string;
  readonly credential_id: string;
  readonly new_credential_id: string;
  readonly state: string;
  /** JSON: the steps with state, times and reasons. */
  readonly steps: string;
  /** JSON: what was asked for, and what the old credential was like. */
  readonly plan: string;
  readonly canary_passed: number;
  readonly canary_seen: number;
  readonly due_at_ms: number;
  readonly revision: number;
  readonly created_by: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly ended_at_ms: number | null;
  readonly ended_reason: string | null;
}
