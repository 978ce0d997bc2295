import type { Environment, KeySecret } from './key-record.ts';
import type { PreparedKey } from './prepare.ts';

/** What the checks need to know of the key's application. A snapshot's application has this form. */
export interface ApplicationState {
  readonly id: string;
  readonly state: 'active' | 'disabled';
  /** Patterns over `provider/name` and aliases. The list must not be changed in place. */
  readonly subscribedModels: readonly string[];
}

/** What the checks need to know of the key's workspace. */
export interface WorkspaceState {
  readonly id: string;
  readonly state: 'active' | 'disabled';
}

/** What the caller asks for. */
export interface RequestFacts {
  /** Resolved `provider/name`; `null` when the call names no model (for example listing models). */
  readonly model: string | null;
  /** As the caller named it, for example an alias. */
  readonly requestedModel: string | null;
  /** Operation class; `null` when the call has none that could be narrowed. */
  readonly operation: string | null;
  /** The caller's network address. */
  readonly address: string;
  readonly method: string;
  readonly path: string;
}

/** The state of one limit of the key, as a key limiter reads it. */
export interface LimitReading {
  /** For example `requestsPerMinute`. */
  readonly name: string;
  readonly kind: 'rate' | 'concurrency';
  readonly limit: number;
  readonly used: number;
  /** Milliseconds until one more call fits; 0 when it fits now. */
  readonly retryAfterMs: number;
}

/** Everything a verdict depends on: nothing else is looked at. */
export interface DecisionInput {
  readonly key: PreparedKey;
  readonly secretMatches: boolean;
  /** The secret of the key that was proven. */
  readonly matchedSecret: KeySecret | null;
  /** The environment that the key's text named, or that this listener serves; `null` or absent: any. */
  readonly expectedEnvironment?: Environment | null;
  /** `null`: there is none of that id. Refused. */
  readonly application: ApplicationState | null;
  readonly workspace: WorkspaceState | null;
  readonly facts: RequestFacts;
  /** `null` before the limits are asked: the checks on them are skipped. */
  readonly limits: readonly LimitReading[] | null;
  /** Unix milliseconds. */
  readonly nowMs: number;
}
