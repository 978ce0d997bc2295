/**
 * The control plane's ports to storage. A `WorkspaceStore` sees one workspace only: isolation is
 * enforced beneath it, so nothing above needs to remember it. Rows are plain values; times are
 * unix milliseconds.
 */
import type { AliasConfig } from '../config/alias-schema.ts';
import type { Environment, KeyRecord, KeyState, StoredKeyType } from '../keys/key-record.ts';
import type { Narrowing, StandingState } from '../keys/owners.ts';
import type { MembershipStore, PersonStore, SubscriptionStore, TeamStore } from './owner-stores.ts';
import type { CredentialRotationStore } from './credential-stores.ts';
import type { AccessStores, FoundAdminToken } from './access-stores.ts';
import type { JobStore, KeyLifeStores } from './key-life-stores.ts';
import type { ResponseStores } from './response-stores.ts';

export interface Store {
  /** Everything of one workspace, each query confined to it. */
  workspace(workspaceId: string): WorkspaceStore;
  workspaces: WorkspacesStore;
  /** Runs work on a workspace as a transaction that is taken back whatever it did: to see what it would do. */
  rehearse<T>(workspaceId: string, work: (tx: WorkspaceStore) => Promise<T>): Promise<T>;
  /** The data plane's look-up: by kid, over all workspaces, without secrets that could be used. */
  findKey(kid: string): Promise<KeyRecord | null>;
  /** The workspace of a reveal link, by the public part of its token. */
  findReveal(id: string): Promise<string | null>;
  /** A token of the admin API, by kid, over all workspaces. */
  findAdminToken(kid: string): Promise<FoundAdminToken | null>;
  readonly jobs: JobStore;
  close(): Promise<void>;
}

/** What is deleted keeps its row, with the time: `get` and lists pass it over, unless they are asked for it. */
export interface Deletable {
  /** Null: it is there. */
  readonly deletedAtMs: number | null;
}

export interface WorkspacesStore {
  /** Oldest first: the first is the default one. Without those that are deleted. */
  list(): Promise<readonly WorkspaceRow[]>;
  insert(row: WorkspaceRow): Promise<void>;
  page(page: PageRequest, filter: DeletedFilter): Promise<Page<WorkspaceRow>>;
  get(id: string): Promise<WorkspaceRow | null>;
  /** Also where it is deleted. */
  find(id: string): Promise<WorkspaceRow | null>;
  update(id: string, patch: Partial<Omit<WorkspaceRow, 'id' | 'createdAtMs'>>): Promise<void>;
}

/** Every workspace, inside the transaction of one of them: for operators. */
export interface Deployment extends WorkspacesStore {
  workspace(workspaceId: string): WorkspaceStore;
}

export interface WorkspaceStore extends KeyLifeStores, ResponseStores, AccessStores {
  readonly workspaceId: string;
  readonly deployment: Deployment;
  readonly applications: ApplicationStore;
  readonly people: PersonStore;
  readonly teams: TeamStore;
  readonly memberships: MembershipStore;
  readonly subscriptions: SubscriptionStore;
  readonly keys: KeyRowStore;
  readonly temporaryKeys: TemporaryKeyStore;
  readonly providers: ProviderStore;
  readonly credentials: CredentialStore;
  readonly credentialRotations: CredentialRotationStore;
  readonly aliases: AliasStore;
  readonly audit: AuditStore;
  readonly catalogue: CatalogueStore;
  readonly cases: CaseStore;
  readonly masked: MaskedKeyStore;
  /** All or nothing; committed to disk when it resolves. */
  transaction<T>(work: (tx: WorkspaceStore) => Promise<T>): Promise<T>;
}

/** One page of a list, newest first. `next` is opaque; null at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface PageRequest {
  readonly cursor: string | null;
  /** 1 to 500. */
  readonly limit: number;
}

/** True: only what is deleted; otherwise only what is there. */
export interface DeletedFilter {
  readonly deleted?: boolean;
}

export interface WorkspaceRow extends Narrowing, Deletable {
  readonly id: string;
  readonly name: string;
  readonly state: StandingState;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface ApplicationRow extends Narrowing, Deletable {
  readonly id: string;
  readonly name: string;
  readonly state: 'active' | 'disabled';
  /** Patterns over `provider/name` and aliases. */
  readonly subscribedModels: readonly string[];
  /** Names of services. */
  readonly subscribedServices: readonly string[];
  /** The person who answers for it; null: nobody in particular. */
  readonly ownerId: string | null;
  /** Null: it belongs to the workspace as a whole. */
  readonly teamId: string | null;
  /** The one that a key made without naming an application belongs to. */
  readonly isDefault: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface ApplicationStore {
  insert(row: ApplicationRow): Promise<void>;
  get(id: string): Promise<ApplicationRow | null>;
  find(id: string): Promise<ApplicationRow | null>;
  getDefault(): Promise<ApplicationRow | null>;
  list(page: PageRequest, filter: DeletedFilter): Promise<Page<ApplicationRow>>;
  /** Every application that is there: for the snapshot. */
  all(): Promise<readonly ApplicationRow[]>;
  update(id: string, patch: Partial<Omit<ApplicationRow, 'id' | 'createdAtMs'>>): Promise<void>;
}

export interface KeyRow extends Omit<KeyRecord, 'workspaceId' | 'type'> {
  readonly type: StoredKeyType;
  readonly name: string;
  readonly tags: readonly string[];
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly updatedAtMs: number;
  readonly revokedAtMs: number | null;
  /** Why it was suspended or revoked, in the words of who did it. */
  readonly stateReason: string | null;
  /** Written by the activity of the key, not by changes; absent: not used so far. */
  readonly lastUsedAtMs?: number;
  /** Since when its calls are known; absent: since it was made. */
  readonly watchedSinceMs?: number;
  /** Of a temporary key: not used for so long after it was minted, it is taken back; absent: never. */
  readonly reclaimUnusedMs?: number;
}

export interface KeyFilter {
  /** Temporary keys that were minted from this one. */
  readonly parentKid?: string;
  readonly type?: StoredKeyType;
  readonly applicationId?: string;
  readonly ownerId?: string;
  /** Minted from any of them. At most 500. */
  readonly parentKids?: readonly string[];
  readonly state?: KeyState;
  readonly environment?: Environment;
  readonly tag?: string;
  /** Part of the name, case-insensitive, or the start of a kid. */
  readonly search?: string;
}

export interface KeyRowStore {
  insert(row: KeyRow): Promise<void>;
  get(kid: string): Promise<KeyRow | null>;
  /** Those that are there, at most 500, in no order. */
  getMany(kids: readonly string[]): Promise<readonly KeyRow[]>;
  list(page: PageRequest, filter: KeyFilter): Promise<Page<KeyRow>>;
  /** The temporary keys of a key that have not ended: how many, and when the first of them ends. */
  livePool(parentKid: string, nowMs: number): Promise<{ readonly live: number; readonly soonestEndMs: number | null }>;
  /** Temporary keys of a key that were minted, and that ended, in a span of time. */
  poolTraffic(
    parentKid: string,
    fromMs: number,
    toMs: number,
  ): Promise<{ readonly minted: number; readonly ended: number }>;
  /** Raises the revision; false when the revision was not the expected one (someone else changed it). */
  update(
    kid: string,
    expectedRevision: number,
    patch: Partial<
      Omit<
        KeyRow,
        'kid' | 'revision' | 'createdAtMs' | 'createdBy' | 'lastUsedAtMs' | 'watchedSinceMs' | 'reclaimUnusedMs'
      >
    >,
  ): Promise<boolean>;
}

/** Temporary keys whose places are given back. */
export interface TemporaryKeyStore {
  /** Those that were not used in the time that they had for it, at most `limit` in the order of their ids. */
  unused(nowMs: number, afterKid: string, limit: number): Promise<readonly KeyRow[]>;
  /** Deletes those that expired before, at most `limit`; how many. */
  deleteEnded(beforeMs: number, limit: number): Promise<number>;
  /** One was taken back for each entry; its revision stays. */
  countReclaimed(parentKids: readonly string[]): Promise<void>;
  /** How many of a key were ever taken back unused. */
  reclaimed(parentKid: string): Promise<number>;
}

/** A provider added or adjusted through the API; the built-in ones need no row. */
export interface ProviderRow {
  readonly id: string;
  /** Null for a built-in provider whose row only adjusts it. */
  readonly dialect: string | null;
  readonly baseUrl: string | null;
  readonly state: 'active' | 'disabled';
  /** Model names without the provider. */
  readonly models: readonly string[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface ProviderStore {
  insert(row: ProviderRow): Promise<void>;
  get(id: string): Promise<ProviderRow | null>;
  all(): Promise<readonly ProviderRow[]>;
  update(id: string, patch: Partial<Omit<ProviderRow, 'id' | 'createdAtMs'>>): Promise<void>;
  delete(id: string): Promise<void>;
}

/** The secret is encrypted at rest by the store and decrypted only by `secrets()`. */
export interface CredentialRow {
  readonly id: string;
  readonly providerId: string;
  readonly name: string;
  readonly weight: number;
  /** Lower is used as long as it can be. */
  readonly priority: number;
  /** Models without the provider, as names with at most one `*`; null for all. */
  readonly models: readonly string[] | null;
  readonly state: 'active' | 'disabled';
  /** Last four characters, for people. */
  readonly hint: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface CredentialStore {
  insert(row: CredentialRow, secret: string): Promise<void>;
  get(id: string): Promise<CredentialRow | null>;
  list(page: PageRequest, filter: { readonly providerId?: string }): Promise<Page<CredentialRow>>;
  /** Every credential with its secret in clear: for the snapshot only. */
  secrets(): Promise<readonly (CredentialRow & { readonly secret: string })[]>;
  /** The secret in clear, for who is to present it; null: no such credential. */
  secretOf(id: string): Promise<string | null>;
  /** A new secret replaces the old one when given. */
  update(
    id: string,
    patch: Partial<Omit<CredentialRow, 'id' | 'providerId' | 'createdAtMs'>>,
    secret?: string,
  ): Promise<void>;
  delete(id: string): Promise<void>;
}

/** Where the secret of a credential is presented, for keys that stand for it. */
export interface RealKeyPlace {
  readonly credentialId: string;
  readonly baseUrl: string;
  readonly header: string;
  readonly prefix: string;
  /** JSON: USD per million tokens by model. */
  readonly prices: string;
}

export interface BackendTokenHash {
  readonly kid: string;
  readonly hash: string;
  readonly pepperVersion: number;
  readonly createdAtMs: number;
}

/** Which keys stand for which credential, and what the backend that embeds them proves itself by. */
export interface MaskedKeyStore {
  insertPlace(place: RealKeyPlace): Promise<void>;
  place(credentialId: string): Promise<RealKeyPlace | null>;
  link(kid: string, credentialId: string): Promise<void>;
  /** By kid; keys that stand for none are not in it. */
  credentialsOf(kids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  backendToken(): Promise<BackendTokenHash | null>;
  /** In place of any before it. */
  setBackendToken(token: BackendTokenHash): Promise<void>;
}

/** As the operator's file would say it. */
export interface AliasRow extends AliasConfig {
  readonly id: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface AliasStore {
  insert(row: AliasRow): Promise<void>;
  get(id: string): Promise<AliasRow | null>;
  all(): Promise<readonly AliasRow[]>;
  /** In place of all that was said of it. */
  update(id: string, config: AliasConfig, updatedAtMs: number): Promise<void>;
  delete(id: string): Promise<void>;
}

/** One entry per change made through the admin API; never holds a secret. */
export interface AuditRow {
  readonly id: string;
  readonly atMs: number;
  readonly actor: string;
  /** For example `keys.create`. */
  readonly action: string;
  readonly targetKind: string;
  readonly targetId: string;
  readonly reason: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly requestId: string;
  readonly clientAddress: string;
}

export interface AuditStore {
  append(row: AuditRow): Promise<void>;
  list(
    page: PageRequest,
    filter: { readonly action?: string; readonly targetId?: string; readonly actor?: string },
  ): Promise<Page<AuditRow>>;
}

/**
 * Since when aliases, models (`provider/name`) and providers (`provider/`) are known. A name once
 * known keeps its time, also when it goes and comes back.
 */
export interface CatalogueStore {
  /** Unix milliseconds by name. */
  all(): Promise<Readonly<Record<string, number>>>;
  /** Adds names that are not there yet. */
  add(names: readonly string[], sinceMs: number): Promise<void>;
}

export type CaseStepName = 'identify' | 'verify-owner' | 'update-owner' | 'reissue' | 'test';

export interface CaseStep {
  readonly name: CaseStepName;
  /** `skipped`: found to be of no need. */
  readonly state: 'pending' | 'done' | 'failed' | 'skipped';
  /** Who did it last, and when; null while it is pending. */
  readonly actor: string | null;
  readonly atMs: number | null;
  readonly attempts: number;
  /** What was found or done; never a secret. */
  readonly evidence: Readonly<Record<string, unknown>> | null;
}

/** A key that does not work, on its way to one that does. */
export interface CaseRow {
  readonly id: string;
  readonly kid: string;
  /** The key that took its place; null: the same goes on. */
  readonly newKid: string | null;
  readonly state: 'open' | 'resolved' | 'closed';
  readonly openedBy: string;
  readonly steps: readonly CaseStep[];
  readonly closedReason: string | null;
  readonly revision: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface CaseStore {
  insert(row: CaseRow): Promise<void>;
  get(id: string): Promise<CaseRow | null>;
  list(page: PageRequest, filter: { readonly state?: CaseRow['state']; readonly kid?: string }): Promise<Page<CaseRow>>;
  /** Raises the revision; false when it was not the one of the row (someone else changed it). */
  update(row: CaseRow): Promise<boolean>;
}
