import type { ErrorCode } from '../errors.ts';
import type { Fix } from './fix.ts';

/** Groups of checks, in the order in which they block. */
export type CheckGroup =
  | 'identity'
  | 'life-cycle'
  | 'owner'
  | 'subscription'
  | 'scope'
  | 'address'
  | 'rate'
  | 'concurrency'
  | 'quota'
  | 'budget';

/** Who can make a failing check pass. `time`: waiting is enough. */
export type CheckRemedy = 'caller' | 'key owner' | 'workspace admin' | 'operator' | 'time';

/** One check of a trace. Its texts are for the owner and admins of the key and hold no secret. */
export interface CheckResult {
  /** Stable name, for example `expiry`. */
  readonly name: string;
  readonly group: CheckGroup;
  /** `skipped`: the call has nothing that this check is about. */
  readonly outcome: 'pass' | 'fail' | 'skipped';
  /** Set when the outcome is `fail`. */
  readonly code: ErrorCode | null;
  /** What was compared. */
  readonly detail: string;
  /** Set when the outcome is `fail`: completes "would pass if …". */
  readonly wouldPassIf: string | null;
  readonly whoCanChange: CheckRemedy | null;
  /** Set where a change would help: the same for a program. */
  readonly fix: Fix | null;
}

/** What a verdict was reached on: every check in order, and those of them that failed. */
export interface Trace {
  readonly checks: readonly CheckResult[];
  readonly failed: readonly CheckResult[];
  /** Unix milliseconds that the checks were made for. */
  readonly atMs: number;
  readonly keyRevision: number;
}

/** Every check passed. `trace` is only there where it was asked for. */
export interface Allowance {
  readonly allowed: true;
  readonly code: null;
  readonly trace: Trace | null;
}

/** At least one check failed; `code` is of the first one. */
export interface Refusal {
  readonly allowed: false;
  readonly code: ErrorCode;
  readonly trace: Trace;
}

/** Whether a call may go on, and why not. */
export type Verdict = Allowance | Refusal;
