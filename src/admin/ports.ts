/** What the admin API needs of the rest of the program; handed in by the composition root. */
import type { KeyActivity } from '../calls/key-activity.ts';
import type { KeyLifeSettings } from '../config/key-life-settings.ts';
import type { LeakSettings } from '../config/leak-settings.ts';
import type { ConfigError } from '../config/load.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { ErrorCode } from '../errors.ts';
import type { DelegationVerifier } from '../keys/delegation-verifier.ts';
import type { SecretHasher } from '../keys/secret-hash.ts';
import type { LimitLevel, LimitReading } from '../limits/call-limits.ts';
import type { Child } from '../limits/child-place.ts';
import type { LeaseState } from '../limits/counters.ts';
import type { Clock } from '../lib/clock.ts';
import type { Catalogue } from '../providers/catalogue/catalogue.ts';
import type { CredentialCounts, CredentialError } from '../routing/credential-error.ts';
import type { MemberView } from '../routing/pool.ts';
import type { FailureKind } from '../routing/provider-error.ts';
import type { KnownKeys } from './known-keys.ts';
import type { Principal } from './rbac.ts';
import type { CallStore } from './call-stores.ts';
import type { Store } from './stores.ts';

/** That a change is in force, or how far it has come. */
export interface Receipt {
  /** Snapshot version, or number of the invalidation. */
  readonly version: number;
  /** Workers that have acknowledged. */
  readonly workers: number;
  readonly acknowledgedAtMs: number;
  /** Whether every running worker has acknowledged. */
  readonly complete: boolean;
}

export interface WorkerStatus {
  readonly id: number;
  /** For example `running` or `restarting`. */
  readonly state: string;
  /** The last snapshot version this worker acknowledged; 0 before the first. */
  readonly acknowledgedVersion: number;
}

export interface FleetStatus {
  /** Version of the last published snapshot; 0 before the first. */
  readonly snapshotVersion: number;
  readonly workers: readonly WorkerStatus[];
}

/** The data plane, as the control plane sees it. */
export interface FleetPort {
  /** Recompiles the snapshot and sends it to every worker; resolves when they acknowledged or the wait ended. */
  publish(): Promise<Receipt>;
  /** Makes every worker forget what it knows of a key. */
  invalidateKey(kid: string): Promise<Receipt>;
  /** The same for many keys, in one message. */
  invalidateKeys(kids: readonly string[]): Promise<Receipt>;
  status(): FleetStatus;
}

export interface ConfigFileStatus {
  readonly path: string | null;
  /** `rejected`: the file on disk has mistakes, the last good content stays in force. */
  readonly state: 'absent' | 'applied' | 'rejected';
  readonly appliedAtMs: number | null;
  readonly errors: readonly ConfigError[];
}

/** The operator's file: what it declares is read-only here. */
export interface ConfigFilePort {
  status(): ConfigFileStatus;
  declaresProvider(providerId: string): boolean;
  declaresAlias(alias: string): boolean;
}

export interface ModelCatalogueStatus {
  /** The operator's file or URL; null: only the catalogue that the product ships is in use. */
  readonly source: string | null;
  /** `rejected`: what the source holds cannot be used, what was in use before stays. */
  readonly state: 'built-in' | 'applied' | 'rejected' | 'not-read';
  readonly appliedAtMs: number | null;
  /** Why it was rejected, as a sentence. */
  readonly error: string | null;
  /** How many models the source told of. */
  readonly models: number;
}

/** What is known of models, without asking their providers. */
export interface ModelCataloguePort {
  readonly models: Catalogue;
  status(): ModelCatalogueStatus;
  /** Reads the operator's file or URL anew; what was read is in use from the next snapshot on. Never rejects. */
  refresh(): Promise<ModelCatalogueStatus>;
}

export interface SnapshotSource {
  current(): Snapshot;
}

interface HashedSecret {
  readonly hash: string;
  readonly pepperVersion: number;
}

/** The one part of the key core's hasher that issuing keys needs. */
export interface IssuingHasher {
  hash(secret: string): HashedSecret;
}

/** What the activity of keys is that the store does not know yet. */
export interface ActivityPort {
  pending(workspaceId: string, kid: string): KeyActivity | null;
}

/** The limits that calls with one key must fit into, counted together with the data plane. */
export interface KeyLimits {
  read(nowMs: number): readonly LimitReading[];
  /** Whether a delegated key has its place among those of its parent, or would get one; true for other keys. */
  hasPlace(nowMs: number): boolean;
  /** Counts a call against the rates; the code where it does not fit, null where it was counted. */
  take(nowMs: number): ErrorCode | null;
}

export interface KeyLimitsPort {
  /** `child`: the delegated key in front of them. */
  bind(standing: { readonly levels: readonly LimitLevel[] }, child?: Child | null): KeyLimits;
  /** The delegated keys with limits of their own that have not ended, of those from one key. */
  delegated(kid: string, nowMs: number): LeaseState;
}

export interface GatewayRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface GatewayReply {
  readonly status: number;
  /** Of the record that the call left; null when what answered is no gateway. */
  readonly requestId: string | null;
  /** The beginning of the answer. */
  readonly body: string;
}

/** How a credential stands, and what its provider said last. */
export interface PoolMemberState extends MemberView {
  /** Null: nothing since the start. */
  readonly lastError: CredentialError | null;
}

/** How the pool of one provider stands. */
export interface ProviderPoolState {
  readonly providerId: string;
  /** Credentials that can be used now, and how many there are in force. */
  readonly usable: number;
  readonly all: number;
  readonly members: readonly PoolMemberState[];
  /** When none can be used any more, at the present rate; null: that cannot be foreseen, or is so already. */
  readonly outAtMs: number | null;
  readonly endpoints: readonly EndpointState[];
}

export interface EndpointState {
  readonly origin: string;
  /** When an endpoint that does not serve is tried again; null: it serves. */
  readonly openUntilMs: number | null;
  /** What came of asking it in the background; null: it was not asked. */
  readonly lastProbe: { readonly atMs: number; readonly serves: boolean } | null;
}

/** What the workers know of the credentials of providers. */
export interface ProviderPoolsPort {
  /** The pools of a workspace; providers without credentials have none. */
  read(workspaceId: string, nowMs: number): readonly ProviderPoolState[];
  /** Tells the workers what a test of a credential came to; `null`: the provider let it in. */
  tell(workspaceId: string, credentialId: string, kind: FailureKind | null, nowMs: number): void;
  /** Notes who has gone out of use: forecasts are made of that. To be called every few seconds. */
  observe(nowMs: number): void;
  /** What workers were answered: the last of each credential is kept in memory. */
  saw(errors: readonly CredentialError[]): void;
  /** The last of a credential, also where it is not in force; null: nothing since the start. */
  lastError(workspaceId: string, credentialId: string): CredentialError | null;
  /** What was done with a credential, on all workers; null where one of them does not say. */
  counts(workspaceId: string, credentialId: string): Promise<CredentialCounts | null>;
}

export interface ProviderRequest {
  readonly url: string;
  /** Flat name, value pairs. */
  readonly headers: readonly string[];
}

export interface ProviderReply {
  readonly status: number;
  /** Flat lower-case name, value pairs. */
  readonly headers: readonly string[];
  /** The beginning of the answer. */
  readonly body: Buffer;
}

/** Asks a provider directly, with a credential that is to be tested. */
export interface ProviderPort {
  /** Rejects when nothing answers in time. */
  get(request: ProviderRequest): Promise<ProviderReply>;
}

/** Calls through the gateway's own port, as any caller makes them. */
export interface GatewayPort {
  /** Rejects when nothing answers in time. */
  post(request: GatewayRequest): Promise<GatewayReply>;
}

export interface TokenVerifier {
  /** The principal of a bearer token, or null when there is none. */
  verify(token: string): Promise<Principal | null>;
}

/** The part of a pino logger that is used here. */
export interface AdminLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface AdminDeps {
  readonly store: Store;
  readonly calls: CallStore;
  readonly hasher: SecretHasher;
  readonly activity: ActivityPort;
  readonly knownKeys: KnownKeys;
  readonly keyLimits: KeyLimitsPort;
  readonly delegations: DelegationVerifier;
  readonly gateway: GatewayPort;
  readonly providerPools: ProviderPoolsPort;
  readonly provider: ProviderPort;
  readonly fleet: FleetPort;
  readonly snapshotSource: SnapshotSource;
  readonly configFile: ConfigFilePort;
  readonly modelCatalogue: ModelCataloguePort;
  /** What the operator's file says about the life of keys, as it stands now. */
  readonly keyLife: () => KeyLifeSettings;
  /** Who may report leaked keys, as the file says now. */
  readonly leaks: () => LeakSettings;
  /** Where this server is reached, without a slash at its end. */
  readonly adminUrl: () => string;
  readonly clock: Clock;
  readonly tokens: TokenVerifier;
  readonly defaultWorkspaceId: string;
  readonly log: AdminLog;
  /** The product's version. */
  readonly version: string;
  readonly startedAtMs: number;
  /** Names, besides `localhost` and plain addresses, under which this server may be asked. */
  readonly allowedHosts?: readonly string[];
}
