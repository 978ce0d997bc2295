/** What `createKeyward` takes and gives: the public face of the embedded engine. */
import type { CallFilter, UsageQuery, UsageRow } from '../admin/call-stores.ts';
import type { Page } from '../admin/stores.ts';
import type { CallRecord } from '../calls/call-record.ts';
import type { GatewaySettings } from '../config/snapshot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Counters } from '../limits/counters.ts';
import type { KeywardEvent } from './events.ts';
import type { HandlerOptions, KeywardHandler } from './handler.ts';
import type { KeyOperations } from './key-operations.ts';
import type { Policy } from './policies.ts';
import type { ResolvedKey, ResolveOptions, UnresolvedKey } from './resolve.ts';
import type { KeywardStorage } from './storage-port.ts';
import type { KeywardVerdict, VerifyFacts } from './verify.ts';

export interface KeywardOptions {
  /** A folder (made when missing; one process at a time), `:memory:`, or a storage of your own. `./data` unless given. */
  readonly storage?: string | KeywardStorage;
  /** 32 bytes, or their base64. Otherwise `KEYWARD_MASTER_KEY`, or a file in the folder that the first start makes. */
  readonly masterKey?: Uint8Array | string;
  /** What keys begin with, 2 to 12 lower-case letters and digits; `kwk` unless given. */
  readonly prefix?: string;
  readonly clock?: Clock;
  /** Asked in this order, once the engine allows a call. */
  readonly policies?: readonly Policy[];
  /** Where limits are counted, if not in this process: for example in what several processes share. */
  readonly limits?: { readonly counters: Counters };
  /** Sizes in bytes, times in milliseconds, as in the gateway's settings. */
  readonly gateway?: Partial<GatewaySettings>;
  /** Who changes keys, for the audit log; `backend` unless given. */
  readonly actor?: string;
  readonly onEvent?: (event: KeywardEvent) => void;
  /** For operators; holds no secret. Errors become process warnings unless given. */
  readonly onLog?: (entry: KeywardLogEntry) => void;
}

export interface KeywardLogEntry {
  readonly level: 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

export interface ListCallsInput extends CallFilter {
  readonly cursor?: string;
  /** Records a page, 1 to 500; 50 unless given. */
  readonly limit?: number;
  /** The calls that proved no key, in place of the others. */
  readonly unidentified?: boolean;
}

export interface Keyward {
  readonly keys: KeyOperations;
  /** The token that `resolve` asks for: at the first start of a storage only, null after it. Keep it where only the backend reads it. */
  readonly backendToken: string | null;
  /** Issues a new backend token; the one of before ends at once. */
  renewBackendToken(): Promise<string>;
  /** Whether a key may make a call. Counts the call unless `count` is false. */
  verify(text: string, facts?: VerifyFacts): Promise<KeywardVerdict>;
  /** The real key behind a key, for the backend alone; leaves a record. */
  resolve(text: string, options: ResolveOptions): Promise<ResolvedKey | UnresolvedKey>;
  /** Serves masked calls in `node:http`, Express and (`fetch`) Hono: the real key is put in at the edge. */
  handler(options?: HandlerOptions): KeywardHandler;
  readonly calls: {
    /** Newest first; what happened before is in it. */
    list(input?: ListCallsInput): Promise<Page<CallRecord>>;
  };
  /** Sums over records, the last 30 days by key unless said otherwise. */
  usage(query?: Partial<UsageQuery>): Promise<readonly UsageRow[]>;
  /** Forgets what is remembered of a key: for storages that somebody else changes too. */
  forget(kid: string): void;
  /** Lets open calls end (bounded), stores every record and count, closes everything. */
  close(): Promise<void>;
}
