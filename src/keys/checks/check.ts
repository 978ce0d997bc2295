import type { ErrorCode } from '../../errors.ts';
import type { DecisionInput } from '../decision-input.ts';
import type { Fix } from '../fix.ts';
import type { CheckGroup, CheckRemedy } from '../verdict.ts';

export type CheckOutcome = 'pass' | 'skipped' | ErrorCode;

export interface Remedy {
  /** Completes "would pass if …". */
  readonly wouldPassIf: string;
  readonly who: CheckRemedy;
  /** The same for a program; null where nothing that can be changed would help. */
  readonly fix: Fix | null;
}

/** One check of a call: pure, about one thing. */
export interface Check {
  readonly name: string;
  readonly group: CheckGroup;
  /** Must not allocate: it runs on every call. */
  readonly run: (input: DecisionInput) => CheckOutcome;
  /** What was compared: no secret, no hash. */
  readonly detail: (input: DecisionInput) => string;
  /** Asked only when `run` gave the code. */
  readonly remedy: (input: DecisionInput, code: ErrorCode) => Remedy;
}
