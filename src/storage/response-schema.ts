/** Tables of the rules that react to what happens to keys, and of what they did. */
import type { WorkspaceColumn } from './schema.ts';

export interface ResponseRulesTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly name: string;
  readonly position: number;
  readonly state: string;
  /** JSON. */
  readonly selector: string;
  /** JSON. */
  readonly trigger_when: string;
  /** JSON: list. */
  readonly actions: string;
  readonly cooldown_ms: number;
  readonly undo_after_ms: number | null;
  readonly limit_per_hour: number;
  readonly counted_from_ms: number;
  readonly note: string | null;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface ResponsesTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly rule_id: string;
  readonly rule_name: string;
  readonly trigger_kind: string;
  readonly subject_kind: string;
  readonly subject_id: string;
  readonly state: string;
  readonly evidence: string;
  /** JSON: list. */
  readonly effects: string;
  readonly created_at_ms: number;
  readonly in_force_at_ms: number | null;
  readonly expires_at_ms: number | null;
  readonly ended_at_ms: number | null;
  readonly ended_by: string | null;
  readonly ended_reason: string | null;
}
