/** What the main thread and a gateway worker say to each other. */
import type { CallRow } from '../calls/call-record.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import type { CredentialCounts, CredentialError } from '../routing/credential-error.ts';

/** What a worker is started with. */
export interface WorkerStart {
  /** 0 … number of workers − 1; kept by the replacement of a crashed worker. */
  readonly index: number;
  readonly snapshot: Snapshot;
  /** Shared by all workers of the machine. */
  readonly counters: SharedArrayBuffer;
  /** How credentials and endpoints stand; shared likewise. */
  readonly health: SharedArrayBuffer;
  readonly peppers: readonly { readonly version: number; readonly key: Uint8Array }[];
  readonly listen: ListenOptions;
  /** Connections of callers that a worker serves at the same time; more are told to come back. */
  readonly connectionsMax: number;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** False where the system has no SO_REUSEPORT: then there is one worker. */
  readonly reusePort: boolean;
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

export type ToWorker =
  | { readonly kind: 'snapshot'; readonly sequence: number; readonly snapshot: Snapshot }
  | { readonly kind: 'invalidate-keys'; readonly sequence: number; readonly kids: readonly string[] }
  /** What is done with a credential? */
  | {
      readonly kind: 'count-use';
      readonly sequence: number;
      readonly workspaceId: string;
      readonly credentialId: string;
    }
  | { readonly kind: 'key'; readonly lookup: number; readonly record: KeyRecord | null }
  | { readonly kind: 'key-failed'; readonly lookup: number }
  | { readonly kind: 'drain' };

export type FromWorker =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'listen-failed'; readonly message: string }
  /** `version`: of the snapshot in use once the message was obeyed. */
  | { readonly kind: 'acknowledge'; readonly sequence: number; readonly version: number }
  | { readonly kind: 'find-key'; readonly lookup: number; readonly kid: string }
  | { readonly kind: 'use-counted'; readonly sequence: number; readonly counts: CredentialCounts }
  /** The last of each credential since the message before. */
  | { readonly kind: 'credential-errors'; readonly errors: readonly CredentialError[] }
  | { readonly kind: 'calls'; readonly rows: readonly CallRow[] }
  | {
      readonly kind: 'log';
      readonly level: 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number>>;
    }
  | { readonly kind: 'drained' };
