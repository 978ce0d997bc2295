import type { ColumnType } from 'kysely';
import type { AdminRefusalsTable, AdminTokensTable } from './access-schema.ts';
import type { CredentialRotationsTable } from './credential-rotation-schema.ts';
import type {
  AlertsTable,
  JobsTable,
  KeyActivityTable,
  OutboxTable,
  RevealsTable,
  RotationPoliciesTable,
  WebhooksTable,
} from './key-life-schema.ts';
import type { ResponseRulesTable, ResponsesTable } from './response-schema.ts';

/** Filled in and checked beneath every query of a workspace: see `workspace-plugin.ts`. */
export type WorkspaceColumn = ColumnType<string, string | undefined, never>;

export interface WorkspacesTable {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly created_at_ms: number;
  /** JSON. */
  readonly scopes: string;
  readonly scopes_set_at_ms: number;
  /** JSON. */
  readonly limits: string;
  readonly updated_at_ms: number;
  readonly deleted_at_ms: number | null;
}

/** Values of the whole deployment, by name. */
interface MetaTable {
  readonly name: string;
  readonly value: Uint8Array;
}

/** Secrets that key hashes are made with, wrapped by the master key. */
interface PeppersTable {
  readonly version: number;
  readonly wrapped: Uint8Array;
  readonly created_at_ms: number;
}

/** The key that a workspace's secrets are sealed with, wrapped by the master key. */
interface DataKeysTable {
  readonly workspace_id: WorkspaceColumn;
  readonly version: number;
  readonly wrapped: Uint8Array;
  readonly created_at_ms: number;
}

export interface ApplicationsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** JSON: list of patterns. */
  readonly subscribed_models: string;
  readonly is_default: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly owner_id: string | null;
  readonly team_id: string | null;
  /** JSON: list of names. */
  readonly subscribed_services: string;
  /** JSON. */
  readonly scopes: string;
  readonly scopes_set_at_ms: number;
  /** JSON. */
  readonly limits: string;
  readonly deleted_at_ms: number | null;
}

export interface KeysTable {
  readonly workspace_id: WorkspaceColumn;
  readonly kid: string;
  readonly application_id: string;
  readonly name: string;
  readonly environment: string;
  readonly state: string;
  /** JSON: list of hashes (base64), never of secrets. */
  readonly secrets: string;
  readonly not_before_ms: number | null;
  readonly expires_at_ms: number | null;
  /** JSON. */
  readonly scopes: string;
  /** JSON. */
  readonly limits: string;
  /** JSON, one element a line: see `tagNeedle`. */
  readonly tags: string;
  readonly revision: number;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly updated_at_ms: number;
  readonly revoked_at_ms: number | null;
  readonly state_reason: string | null;
  readonly type: string;
  readonly parent_kid: string | null;
  readonly binding: string | null;
  readonly owner_id: string | null;
  /** JSON: how long a suspension lasts; null while the key is not suspended. */
  readonly suspension: string | null;
  readonly scopes_set_at_ms: number;
  /** JSON: what the holder may delegate; null: nothing. */
  readonly delegation: string | null;
  /** JSON: what temporary keys may be minted from it; null: the usual. */
  readonly minting: string | null;
  readonly last_used_at_ms: number | null;
  /** Since when calls of the key are known. */
  readonly watched_since_ms: number;
  /** When the secret in use was made. */
  readonly secret_since_ms: number;
  /** 1 where an older secret may end before its time. */
  readonly ends_early: number;
  /** A temporary key that was not used for so long after it was minted is taken back; null: never. */
  readonly reclaim_unused_ms: number | null;
  /** Temporary keys of it that were taken back unused, ever. */
  readonly reclaimed: ColumnType<number, number | undefined, number>;
}

export interface PeopleTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly state: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly deleted_at_ms: number | null;
}

export interface TeamsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** JSON. */
  readonly scopes: string;
  readonly scopes_set_at_ms: number;
  /** JSON. */
  readonly limits: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly deleted_at_ms: number | null;
}

export interface MembershipsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly team_id: string;
  readonly person_id: string;
  readonly role: string;
  readonly state: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly deleted_at_ms: number | null;
}

export interface SubscriptionsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly application_id: string;
  readonly kind: string;
  /** A pattern over `provider/name` and aliases, or the name of a service. */
  readonly name: string;
  readonly state: string;
  readonly state_reason: string | null;
  readonly requested_by: string;
  readonly decided_by: string | null;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface CasesTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly kid: string;
  /** The key that took its place. */
  readonly new_kid: string | null;
  readonly state: string;
  readonly opened_by: string;
  /** JSON: the steps with state, actor, time and evidence. */
  readonly steps: string;
  readonly closed_reason: string | null;
  readonly revision: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

/** When an alias, a model (`provider/name`) or a provider (`provider/`) was first there. */
interface CatalogueTable {
  readonly workspace_id: WorkspaceColumn;
  readonly name: string;
  readonly since_ms: number;
}

export interface ProvidersTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly dialect: string | null;
  readonly base_url: string | null;
  readonly state: string;
  /** JSON: list of names. */
  readonly models: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface CredentialsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly provider_id: string;
  readonly name: string;
  readonly weight: number;
  readonly priority: number;
  /** JSON list of names with at most one `*`; null for all. */
  readonly models: string | null;
  readonly state: string;
  readonly hint: string;
  /** Sealed with the workspace's data key of `data_key_version`. */
  readonly secret: Uint8Array;
  readonly secret_version: number;
  readonly data_key_version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface AliasesTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  /** JSON: list of models, each a name or an object. */
  readonly targets: string;
  /** JSON: how it chooses among them. */
  readonly settings: ColumnType<string, string | undefined, string>;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface AuditEventsTable {
  readonly workspace_id: WorkspaceColumn;
  readonly id: string;
  readonly at_ms: number;
  readonly actor: string;
  readonly action: string;
  readonly target_kind: string;
  readonly target_id: string;
  readonly reason: string | null;
  /** JSON. */
  readonly before: string;
  /** JSON. */
  readonly after: string;
  readonly request_id: string;
  readonly client_address: string;
}

/** Where the secret of a credential is presented, for keys that stand for it. */
export interface RealKeysTable {
  readonly workspace_id: WorkspaceColumn;
  /** Of the credential that holds the secret. */
  readonly credential_id: string;
  readonly base_url: string;
  readonly auth_header: string;
  readonly auth_prefix: string;
  /** JSON: USD per million tokens by model. */
  readonly prices: string;
}

/** Which credential a key stands for. */
interface MaskedKeysTable {
  readonly workspace_id: WorkspaceColumn;
  readonly kid: string;
  readonly credential_id: string;
}

/** By what a backend that embeds Keyward proves that it is that backend. */
interface BackendTokensTable {
  readonly workspace_id: WorkspaceColumn;
  readonly kid: string;
  /** 32 bytes as latin-1. */
  readonly hash: string;
  readonly pepper_version: number;
  readonly created_at_ms: number;
}

/** The tables of a workspace: each has its id in every row. */
export interface TenantTables {
  data_keys: DataKeysTable;
  applications: ApplicationsTable;
  keys: KeysTable;
  providers: ProvidersTable;
  credentials: CredentialsTable;
  aliases: AliasesTable;
  credential_rotations: CredentialRotationsTable;
  audit_events: AuditEventsTable;
  people: PeopleTable;
  teams: TeamsTable;
  memberships: MembershipsTable;
  subscriptions: SubscriptionsTable;
  catalogue: CatalogueTable;
  key_activity: KeyActivityTable;
  rotation_policies: RotationPoliciesTable;
  reveals: RevealsTable;
  webhooks: WebhooksTable;
  outbox: OutboxTable;
  alerts: AlertsTable;
  cases: CasesTable;
  real_keys: RealKeysTable;
  masked_keys: MaskedKeysTable;
  backend_tokens: BackendTokensTable;
  response_rules: ResponseRulesTable;
  responses: ResponsesTable;
  admin_tokens: AdminTokensTable;
  admin_refusals: AdminRefusalsTable;
}

/** Every table of `keyward.sqlite`. */
export interface Tables extends TenantTables {
  workspaces: WorkspacesTable;
  meta: MetaTable;
  peppers: PeppersTable;
  jobs: JobsTable;
}

/** The names of {@link TenantTables}, for the check at run time. */
export const TENANT_TABLES: readonly (keyof TenantTables)[] = [
  'data_keys',
  'applications',
  'keys',
  'providers',
  'credentials',
  'aliases',
  'credential_rotations',
  'audit_events',
  'people',
  'teams',
  'memberships',
  'subscriptions',
  'catalogue',
  'key_activity',
  'rotation_policies',
  'reveals',
  'webhooks',
  'outbox',
  'alerts',
  'cases',
  'real_keys',
  'masked_keys',
  'backend_tokens',
  'response_rules',
  'responses',
  'admin_tokens',
  'admin_refusals',
];
