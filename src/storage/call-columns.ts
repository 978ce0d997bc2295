import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRecord } from '../calls/call-record.ts';
import { CorruptColumnError } from './columns.ts';

type Row = Readonly<Record<string, unknown>>;
type Field = (typeof CALL_FIELDS)[number];

/** Column of a field: `requestId` → `request_id`. */
export function callColumn(field: Field): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Every column in the order in which a call row travels. */
export const CALL_COLUMNS: readonly string[] = CALL_FIELDS.map((field) => callColumn(field));

const READERS: { readonly [F in Field]: (row: Row, field: Field) => CallRecord[F] } = {
  requestId: text,
  startedAtMs: number,
  workspaceId: textOrNull,
  applicationId: textOrNull,
  keyFingerprint: textOrNull,
  kid: textOrNull,
  method: text,
  path: text,
  dialect: textOrNull,
  operation: textOrNull,
  requestedModel: textOrNull,
  provider: textOrNull,
  model: textOrNull,
  credentialId: textOrNull,
  stream: flag,
  status: number,
  upstreamStatus: numberOrNull,
  upstreamRequestId: textOrNull,
  code: text,
  attempts: number,
  firstByteMs: numberOrNull,
  totalMs: number,
  requestBytes: number,
  responseBytes: number,
  inputTokens: numberOrNull,
  cachedInputTokens: numberOrNull,
  cacheWriteTokens: numberOrNull,
  outputTokens: numberOrNull,
  reasoningTokens: numberOrNull,
  complete: flag,
  clientAddress: text,
  userAgent: textOrNull,
  ownerId: textOrNull,
  parentKid: textOrNull,
  secretGeneration: numberOrNull,
  session: textOrNull,
  country: textOrNull,
  costNanoUsd: numberOrNull,
  costEstimated: flag,
  decision: textOrNull,
  configVersion: number,
  worker: number,
  tags: textOrNull,
  warnings: textOrNull,
  usageDetail: textOrNull,
  fromCache: flag,
  upstreamCode: textOrNull,
};

/** Column definitions. `numeric` keeps whole numbers in as few bytes as they need, and fractions as they are. */
export const CALL_COLUMN_DEFINITIONS: readonly string[] = CALL_FIELDS.map((field) => {
  const reader: unknown = READERS[field];
  const type = reader === text || reader === textOrNull ? 'text' : 'numeric';
  return `${callColumn(field)} ${type}${field === 'requestId' ? ' not null primary key' : ''}`;
});

/** A stored row as a record; columns are named as in {@link CALL_COLUMNS}. */
export function readCall(row: Row): CallRecord {
  // Every field has a reader of its own type: together they are the record.
  return Object.fromEntries(CALL_FIELDS.map((field) => [field, READERS[field](row, field)])) as unknown as CallRecord;
}

function text(row: Row, field: Field): string {
  const value = row[callColumn(field)];
  if (typeof value === 'string') return value;
  throw new CorruptColumnError(`calls.${field}`);
}

function textOrNull(row: Row, field: Field): string | null {
  return row[callColumn(field)] === null ? null : text(row, field);
}

function number(row: Row, field: Field): number {
  const value = row[callColumn(field)];
  if (typeof value === 'number') return value;
  throw new CorruptColumnError(`calls.${field}`);
}

function numberOrNull(row: Row, field: Field): number | null {
  return row[callColumn(field)] === null ? null : number(row, field);
}

function flag(row: Row, field: Field): boolean {
  // Null: written before there was such a field.
  return row[callColumn(field)] !== null && number(row, field) !== 0;
}
