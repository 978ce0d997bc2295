/** Ports to what calls leave behind: their records, and what was counted of them. */
import type { CallRecord, CallRow } from '../calls/call-record.ts';
import type { Cidr } from '../keys/cidr.ts';
import type { CellImage } from '../limits/cell-image.ts';
import type { Page, PageRequest } from './stores.ts';

export interface CallFilter {
  readonly kid?: string;
  readonly applicationId?: string;
  readonly code?: string;
  readonly status?: number;
  readonly provider?: string;
  readonly model?: string;
  /** One of the caller's labels. */
  readonly tag?: string;
  readonly requestId?: string;
  /** Only calls that were made before the one of this request id. */
  readonly beforeRequestId?: string;
  /** Unix milliseconds, inclusive and exclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
}

export interface UsageQuery {
  readonly fromMs: number;
  readonly toMs: number;
  readonly groupBy: 'key' | 'owner' | 'application' | 'model' | 'provider' | 'day' | 'code' | 'key and model';
  /** Of these keys only; at most 500. */
  readonly kids?: readonly string[];
  /** Of calls with this label only. */
  readonly tag?: string;
}

export interface CallersQuery {
  readonly fromMs: number;
  /** They called from it. */
  readonly network?: Cidr;
  /** They called it. */
  readonly provider?: string;
}

export interface UsageRow {
  readonly group: string;
  readonly calls: number;
  readonly failedCalls: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly costNanoUsd: number;
}

export interface KeyUseQuery {
  readonly kid: string;
  /** Unix milliseconds, inclusive and exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  /** `all`: one row for everything. */
  readonly by: 'all' | 'model' | 'endpoint' | 'address' | 'country' | 'session' | 'code';
}

/** What was done with a key, of one value. */
export interface KeyUseRow {
  /** Empty where the calls have none. */
  readonly value: string;
  readonly calls: number;
  readonly failedCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** Call records, one file a day. Reads see one workspace; calls that proved no key have none and are seen by operators (`null`). */
export interface CallStore {
  /** Writes a batch in one transaction; a record already there (same request id) is left as it is. */
  write(rows: readonly CallRow[]): Promise<void>;
  list(workspaceId: string | null, page: PageRequest, filter: CallFilter): Promise<Page<CallRecord>>;
  usage(workspaceId: string | null, query: UsageQuery): Promise<readonly UsageRow[]>;
  /** The keys of a workspace that made such calls. */
  callers(workspaceId: string, query: CallersQuery): Promise<readonly string[]>;
  /** When each of the keys made its last call, unix milliseconds; a key that made none has no entry. At most 500 kids. */
  lastUsed(workspaceId: string, kids: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Most calls first; at most 1,000 rows. */
  keyUse(workspaceId: string, query: KeyUseQuery): Promise<readonly KeyUseRow[]>;
  close(): Promise<void>;
}

/** Counts over a restart. */
export interface CounterStore {
  load(): readonly CellImage[];
  /** Adds, or puts in the place of older ones. */
  save(cells: readonly CellImage[]): void;
  /** In place of all that is there. */
  replace(cells: readonly CellImage[]): void;
  close(): void;
}
