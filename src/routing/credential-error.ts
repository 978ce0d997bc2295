import type { FailureKind } from './provider-error.ts';

/** What a provider answered when it did not serve a call with a credential. Holds no secret. */
export interface CredentialError {
  readonly workspaceId: string;
  readonly credentialId: string;
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly kind: FailureKind;
  readonly status: number;
  readonly code: string | null;
  /** The provider's own words, bounded; null where it had none. */
  readonly message: string | null;
}

/** What was done with a credential since the workers started. */
export interface CredentialCounts {
  /** Calls that are with the provider now. */
  readonly underWay: number;
  /** Attempts that the provider began to answer well. */
  readonly passed: number;
}

/** Whether a failure says something of the account behind the credential, or of its provider, and not of what was asked. */
export function isOfCredential(kind: FailureKind): boolean {
  switch (kind) {
    case 'rejected_credential':
    case 'forbidden':
    case 'rate_limited':
    case 'quota_exhausted':
    case 'overloaded':
    case 'unavailable':
    case 'timeout':
      return true;
    case 'context_too_long':
    case 'content_filtered':
    case 'bad_request':
    case 'not_found':
      return false;
  }
}
