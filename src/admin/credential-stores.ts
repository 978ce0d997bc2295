/** Port to storage of how the credentials of providers are rotated. Times are unix milliseconds. */
import type { Page, PageRequest } from './stores.ts';

/** In the order in which they are taken. */
export const ROTATION_STEPS = ['store', 'probe', 'canary', 'shift', 'drain', 'disable', 'delete'] as const;

export type RotationStepName = (typeof ROTATION_STEPS)[number];

export interface RotationStep {
  readonly name: RotationStepName;
  /** `skipped`: found to be of no need, or not possible; `failed`: what the rotation was rolled back for. */
  readonly state: 'pending' | 'running' | 'done' | 'skipped' | 'failed';
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** What was found, or what is waited for; never a secret. */
  readonly reason: string | null;
}

export interface RotationPlan {
  /** Part of the old credential's calls that the new one gets at first. */
  readonly canaryPercent: number;
  /** Calls that have to pass with the new one; 0: no canary. */
  readonly canaryCalls: number;
  /** After which fewer do. */
  readonly canaryMs: number;
  /** How long calls with the old one may take to end. */
  readonly drainMs: number;
  /** How long the old one is kept, disabled. */
  readonly deleteAfterMs: number;
  /** Of the old credential, before. */
  readonly weight: number;
  readonly priority: number;
}

/** A credential that takes the place of another one, step by step. */
export interface CredentialRotationRow {
  readonly id: string;
  readonly providerId: string;
  /** The old one. */
  readonly credentialId: string;
  readonly newCredentialId: string;
  readonly state: 'running' | 'completed' | 'rolled-back';
  readonly steps: readonly RotationStep[];
  readonly plan: RotationPlan;
  /** Calls that passed with the new one. */
  readonly canaryPassed: number;
  /** What the workers said last of that, who begin anew with each start. */
  readonly canarySeen: number;
  /** When it is looked at again. */
  readonly dueAtMs: number;
  readonly revision: number;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly endedAtMs: number | null;
  readonly endedReason: string | null;
}

export interface RotationFilter {
  readonly state?: CredentialRotationRow['state'];
  /** The old one or the new one. */
  readonly credentialId?: string;
}

export interface CredentialRotationStore {
  insert(row: CredentialRotationRow): Promise<void>;
  get(id: string): Promise<CredentialRotationRow | null>;
  list(page: PageRequest, filter: RotationFilter): Promise<Page<CredentialRotationRow>>;
  /** Those that run and whose time has come, the longest due first, at most `limit`. */
  due(nowMs: number, limit: number): Promise<readonly CredentialRotationRow[]>;
  /** Those that run with a credential as the old or the new one. */
  runningOf(credentialId: string): Promise<readonly CredentialRotationRow[]>;
  /** Raises the revision; false when it was not the one of the row (someone else changed it). */
  update(row: CredentialRotationRow): Promise<boolean>;
  /** Removes those that ended before. */
  prune(beforeMs: number): Promise<void>;
}
