/**
 * Ports to storage of the rules that react to what happens to keys, and of what they did. Times are
 * unix milliseconds.
 */
import type { Budget } from '../keys/constraints.ts';
import type { AlertSeverity, Delivery, KeySelector } from './key-life-stores.ts';
import type { Page, PageRequest } from './stores.ts';

/** What a rule can react to: a closed list. A detector of something new adds a member here. */
export type When =
  /** Calls that named a key and did not prove it: of one key, or out of one network. */
  | {
      readonly kind: 'repeated_failures';
      readonly per: 'key' | 'network';
      readonly count: number;
      readonly withinMs: number;
    }
  /** A key that was revoked, is compromised or has expired is called still. */
  | { readonly kind: 'dead_key_use'; readonly count: number; readonly withinMs: number }
  /** A person whom the key stands on is disabled or deleted. */
  | { readonly kind: 'owner_disabled' }
  | { readonly kind: 'idle'; readonly afterMs: number }
  /** So much of a budget is used; 100: it is exhausted. `levels`: whose budgets; absent: the key's own. */
  | { readonly kind: 'budget'; readonly percent: number; readonly levels?: readonly BudgetLevel[] }
  /** The pool of temporary keys of the key is so full, or fuller. */
  | { readonly kind: 'pool'; readonly state: 'warning' | 'critical' | 'full' }
  /** A scanner reported the whole key. */
  | { readonly kind: 'leak' }
  | { readonly kind: 'policy_violation'; readonly violations: readonly ('too-old' | 'no-expiry')[] };

/** Whose budget: that of a key, or of what it stands on. */
export type BudgetLevel = 'key' | 'application' | 'team' | 'workspace';

export type TriggerKind = When['kind'];

/** What a rule can do: a closed list. */
export type Action =
  /** An alert and an event. */
  | { readonly kind: 'notify'; readonly severity: AlertSeverity }
  /** Limits are only ever lowered: a value above what holds already changes nothing; a budget is added. */
  | {
      readonly kind: 'lower-limits';
      readonly requestsPerMinute: number | null;
      readonly concurrency: number | null;
      readonly budget: Budget | null;
    }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'revoke' }
  | { readonly kind: 'mark-compromised' }
  | {
      readonly kind: 'rotate';
      readonly overlapMs: number;
      readonly delivery: Exclude<Delivery, { readonly kind: 'none' }>;
    };

export type ActionKind = Action['kind'];

export interface ResponseRuleRow {
  readonly id: string;
  readonly name: string;
  /** Every rule that fits acts, in this order. */
  readonly position: number;
  /** `dry-run`: writes down what it would do. `halted`: it wanted more than it may, and waits for a person. */
  readonly state: 'active' | 'dry-run' | 'disabled' | 'halted';
  readonly selector: KeySelector;
  readonly when: When;
  readonly actions: readonly Action[];
  /** For so long after a response, and after its end, the rule leaves the same subject alone. */
  readonly cooldownMs: number;
  /** When what can be undone is undone by itself; null: not before a person does it. */
  readonly undoAfterMs: number | null;
  /** Responses in an hour; at the next one the rule halts. */
  readonly limitPerHour: number;
  /** Responses before do not count against the limit. */
  readonly countedFromMs: number;
  readonly note: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface ResponseRuleStore {
  insert(row: ResponseRuleRow): Promise<void>;
  get(id: string): Promise<ResponseRuleRow | null>;
  /** In their order. Their number is bounded by whoever inserts. */
  all(): Promise<readonly ResponseRuleRow[]>;
  update(id: string, row: ResponseRuleRow): Promise<void>;
  delete(id: string): Promise<void>;
}

/** A count that was lowered: what it was before any rule lowered it, and what this one made of it. */
export interface Lowered {
  readonly before: number | null;
  readonly after: number;
}

/** What was done; of what can be undone, enough to undo it. */
export type Effect =
  | { readonly kind: 'notify' }
  | { readonly kind: 'suspend'; readonly untilMs: number | null }
  | {
      readonly kind: 'lower-limits';
      readonly requestsPerMinute: Lowered | null;
      readonly concurrency: Lowered | null;
      /** Was added to the key's. */
      readonly budget: Budget | null;
    }
  | { readonly kind: 'revoke' }
  | { readonly kind: 'mark-compromised' }
  | { readonly kind: 'rotate'; readonly delivery: 'reveal-link' | 'webhook' };

/**
 * `pending`: stored, not yet on every worker. `in-force`: can be undone. `done`: cannot be undone.
 * `superseded`: somebody changed the key since. `dry-run`: nothing was done. `failed`: nothing could be done.
 */
export type ResponseState =
  | 'pending'
  | 'in-force'
  | 'done'
  | 'undone'
  | 'expired'
  | 'superseded'
  | 'dry-run'
  | 'failed';

export interface ResponseRow {
  readonly id: string;
  readonly ruleId: string;
  readonly ruleName: string;
  readonly trigger: TriggerKind;
  readonly subjectKind: 'key' | 'network';
  readonly subjectId: string;
  readonly state: ResponseState;
  /** What was seen, in a sentence. */
  readonly evidence: string;
  readonly effects: readonly Effect[];
  readonly createdAtMs: number;
  /** When every worker had it. */
  readonly inForceAtMs: number | null;
  /** When it is undone by itself. */
  readonly expiresAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly endedBy: string | null;
  /** Why it ended, or why nothing could be done. */
  readonly endedReason: string | null;
}

export interface ResponseFilter {
  readonly ruleId?: string;
  readonly state?: ResponseState;
  readonly subjectId?: string;
  readonly trigger?: TriggerKind;
}

export interface ResponseStore {
  insert(row: ResponseRow): Promise<void>;
  get(id: string): Promise<ResponseRow | null>;
  list(page: PageRequest, filter: ResponseFilter): Promise<Page<ResponseRow>>;
  /** What is pending or in force on a subject, oldest first. */
  openOf(subjectId: string): Promise<readonly ResponseRow[]>;
  /** The newest of a rule for a subject. */
  lastOf(ruleId: string, subjectId: string): Promise<ResponseRow | null>;
  countOf(ruleId: string, sinceMs: number): Promise<number>;
  /** Pending or in force, at most `limit` in the order of their ids, after the one that is named. */
  open(afterId: string, limit: number): Promise<readonly ResponseRow[]>;
  update(
    id: string,
    patch: Partial<Pick<ResponseRow, 'state' | 'inForceAtMs' | 'endedAtMs' | 'endedBy' | 'endedReason'>>,
  ): Promise<void>;
  /** Removes what ended, or was done, before. */
  prune(beforeMs: number): Promise<void>;
}

/** What the stores of a workspace hold for all of this. */
export interface ResponseStores {
  readonly responseRules: ResponseRuleStore;
  readonly responses: ResponseStore;
}
