/**
 * Ports to storage of what happens to keys by rule and by job: activity, rotation policies, reveal
 * links, webhooks with their outbox, alerts, and when each job last ran. Times are unix milliseconds.
 */
import type { KeyActivity } from '../calls/key-activity.ts';
import type { Environment } from '../keys/key-record.ts';
import type { WhenUnused } from '../keys/rotate.ts';
import type { KeyRow, Page, PageRequest } from './stores.ts';

export interface KeyActivityStore {
  get(kid: string): Promise<KeyActivity | null>;
  /** Adds to what is stored, and moves the keys' time of last use forward. */
  add(activities: readonly KeyActivity[]): Promise<void>;
  /** Forgets the callers of keys that were last used before; the keys' own time of last use stays. */
  prune(beforeMs: number): Promise<void>;
}

/** Which keys a job wants to see. All are of applications (`kwk`), and neither revoked nor compromised. */
export type KeyScan =
  /** The secret in use was made at or before `beforeMs`. */
  | { readonly kind: 'secret-older'; readonly beforeMs: number }
  /** Holds a retiring secret that may end before its time. */
  | { readonly kind: 'ending-early' }
  | { readonly kind: 'expiring'; readonly fromMs: number; readonly toMs: number }
  /** Not used after `beforeMs`, and watched since before. */
  | { readonly kind: 'unused-since'; readonly beforeMs: number }
  /** With a budget of their own. */
  | { readonly kind: 'with-budgets' }
  /** With temporary keys that have not expired, or whose holder may delegate. */
  | { readonly kind: 'with-pool'; readonly nowMs: number }
  /** Owned by any of them, or of any of the applications. */
  | { readonly kind: 'beneath'; readonly ownerIds: readonly string[]; readonly applicationIds: readonly string[] }
  | { readonly kind: 'all' };

export interface KeyScanStore {
  /** At most `limit` keys in the order of their ids, after the one that is named. */
  keys(scan: KeyScan, afterKid: string, limit: number): Promise<readonly KeyRow[]>;
}

/** Null narrows nothing. */
export interface KeySelector {
  readonly applicationIds: readonly string[] | null;
  readonly teamIds: readonly string[] | null;
  /** A key that has one of them. */
  readonly tags: readonly string[] | null;
  readonly environment: Environment | null;
}

/** How the holder of a key gets its new secret. */
export type Delivery =
  /** Not at all: then a rotation that is due is only told, never done. */
  | { readonly kind: 'none' }
  | { readonly kind: 'reveal-link' }
  | { readonly kind: 'webhook'; readonly webhookId: string };

export interface RotationPolicyRow {
  readonly id: string;
  readonly name: string;
  /** The first policy that fits a key applies to it, in this order. */
  readonly position: number;
  readonly state: 'active' | 'disabled';
  readonly selector: KeySelector;
  /** A secret of this age is replaced; null: none is. */
  readonly intervalMs: number | null;
  /** A secret older than this is reported; null: none is. */
  readonly maximumAgeMs: number | null;
  readonly overlapMs: number;
  /** Null: the old secret ends with the overlap. */
  readonly whenUnused: WhenUnused | null;
  readonly delivery: Delivery;
  /** A key that was not used for so long is flagged; null: after the operator's time. */
  readonly idleAfterMs: number | null;
  readonly suspendIdle: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface RotationPolicyStore {
  insert(row: RotationPolicyRow): Promise<void>;
  get(id: string): Promise<RotationPolicyRow | null>;
  /** In their order. Their number is bounded by whoever inserts. */
  all(): Promise<readonly RotationPolicyRow[]>;
  update(id: string, row: RotationPolicyRow): Promise<void>;
  delete(id: string): Promise<void>;
}

/** A new secret that waits for its one reader. */
export interface RevealRow {
  /** Public part of the token, 12 base62 characters, unique in the deployment. */
  readonly id: string;
  readonly kid: string;
  /** Of the token's secret, as {@link KeyRow} secrets are. */
  readonly hash: string;
  readonly pepperVersion: number;
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
  readonly createdBy: string;
  /** Null while nobody opened it. */
  readonly openedAtMs: number | null;
  /** Whether there is still something to open. */
  readonly sealed: boolean;
}

export interface RevealStore {
  /** `secret` is encrypted at rest until it is taken or erased. */
  insert(row: Omit<RevealRow, 'openedAtMs' | 'sealed'>, secret: string): Promise<void>;
  get(id: string): Promise<RevealRow | null>;
  /** The newest of a key that can still be opened. */
  waiting(kid: string): Promise<RevealRow | null>;
  /** The secret in clear, erased from the store by this; null when it is not there any more. `openedAtMs` null: it moved on unread. */
  take(id: string, openedAtMs: number | null): Promise<string | null>;
  /** Erases the secrets of a key that nobody opened yet. */
  eraseOf(kid: string): Promise<void>;
  /** Erases what expired; the kids that lost a secret by it, at most `limit`. */
  eraseExpired(nowMs: number, limit: number): Promise<readonly string[]>;
  /** Removes rows that ended before. */
  prune(beforeMs: number): Promise<void>;
}

export interface WebhookRow {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** Types of events; `*` for all. */
  readonly events: readonly string[];
  readonly state: 'active' | 'disabled';
  /** The receiver's X25519 key, 32 bytes in base64; null: no secret is ever sent. */
  readonly publicKey: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface WebhookStore {
  /** The secret that payloads are signed with is encrypted at rest. */
  insert(row: WebhookRow, secret: string): Promise<void>;
  get(id: string): Promise<WebhookRow | null>;
  all(): Promise<readonly WebhookRow[]>;
  /** In clear, for signing only; null when there is no such webhook. */
  secret(id: string): Promise<string | null>;
  update(id: string, patch: Partial<Omit<WebhookRow, 'id' | 'createdAtMs'>>, secret?: string): Promise<void>;
  delete(id: string): Promise<void>;
}

/** One event on its way to one webhook. */
export interface OutboxRow {
  readonly id: string;
  readonly webhookId: string;
  readonly eventId: string;
  readonly eventType: string;
  /** JSON as it is sent; empty once it was delivered or given up. */
  readonly body: string;
  readonly state: 'waiting' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly dueAtMs: number;
  readonly createdAtMs: number;
  readonly finishedAtMs: number | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

export interface OutboxStore {
  insert(row: OutboxRow): Promise<void>;
  /** Rows that wait for a webhook and whose time has come, the longest due first, at most `limit`. */
  due(webhookId: string, nowMs: number, limit: number): Promise<readonly OutboxRow[]>;
  /** Leaves a webhook alone until then: nothing that waits for it is due before. */
  postpone(webhookId: string, untilMs: number): Promise<void>;
  /** Rows that wait since before, for any webhook, at most `limit`. */
  stale(beforeMs: number, limit: number): Promise<readonly OutboxRow[]>;
  /** How many wait for a webhook. */
  waiting(webhookId: string): Promise<number>;
  update(id: string, patch: Partial<Omit<OutboxRow, 'id' | 'webhookId' | 'createdAtMs'>>): Promise<void>;
  list(page: PageRequest, webhookId: string): Promise<Page<OutboxRow>>;
  /** Removes rows that ended before. */
  prune(beforeMs: number): Promise<void>;
  /** Removes everything of a webhook. */
  drop(webhookId: string): Promise<void>;
}

export type AlertSeverity = 'info' | 'warning' | 'critical';

/** Something that people should look at; at most one that is not resolved for each condition. */
export interface AlertRow {
  readonly id: string;
  /** For example `key_expiring`. */
  readonly kind: string;
  readonly severity: AlertSeverity;
  readonly subjectKind: string;
  readonly subjectId: string;
  /** Names the condition. */
  readonly dedupeKey: string;
  readonly message: string;
  /** Of the kind's own form. */
  readonly detail: unknown;
  readonly state: 'open' | 'acknowledged' | 'resolved';
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly acknowledgedAtMs: number | null;
  readonly acknowledgedBy: string | null;
  readonly resolvedAtMs: number | null;
}

export interface AlertFilter {
  readonly kind?: string;
  readonly state?: AlertRow['state'];
  readonly severity?: AlertSeverity;
  readonly subjectId?: string;
}

export interface AlertStore {
  insert(row: AlertRow): Promise<void>;
  get(id: string): Promise<AlertRow | null>;
  /** The alert of a condition that is not resolved. */
  unresolved(dedupeKey: string): Promise<AlertRow | null>;
  /** Not resolved, and last seen before: the condition is gone. At most `limit`. */
  unseen(kind: string, beforeMs: number, limit: number): Promise<readonly AlertRow[]>;
  countUnresolved(): Promise<number>;
  update(id: string, patch: Partial<Omit<AlertRow, 'id' | 'kind' | 'dedupeKey' | 'firstSeenAtMs'>>): Promise<void>;
  list(page: PageRequest, filter: AlertFilter): Promise<Page<AlertRow>>;
  /** Removes alerts that were resolved before. */
  prune(beforeMs: number): Promise<void>;
}

/** What the stores of a workspace hold for all of this. */
export interface KeyLifeStores {
  readonly activity: KeyActivityStore;
  readonly scans: KeyScanStore;
  readonly rotationPolicies: RotationPolicyStore;
  readonly reveals: RevealStore;
  readonly webhooks: WebhookStore;
  readonly outbox: OutboxStore;
  readonly alerts: AlertStore;
}

/** When a recurring job ran, and who runs it. */
export interface JobRow {
  readonly name: string;
  readonly dueAtMs: number;
  readonly leaseOwner: string | null;
  readonly leaseUntilMs: number | null;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly succeededAtMs: number | null;
  /** In a row, up to now. */
  readonly failures: number;
  readonly lastError: string | null;
}

export interface JobLease {
  readonly owner: string;
  readonly nowMs: number;
  /** From then on another may take over: the owner is taken for dead. */
  readonly leaseUntilMs: number;
}

/** Shared by every node: whoever gets the lease runs the job. */
export interface JobStore {
  list(): Promise<readonly JobRow[]>;
  /** Takes the lease of a job that is due and that nobody else runs; null when there is nothing to do. */
  take(name: string, lease: JobLease): Promise<JobRow | null>;
  /** Prolongs the lease; false when it was lost. */
  renew(name: string, lease: JobLease): Promise<boolean>;
  /** Gives the lease back, if it is still held. */
  finish(
    name: string,
    end: { readonly owner: string; readonly nowMs: number; readonly dueAtMs: number; readonly error: string | null },
  ): Promise<void>;
}
