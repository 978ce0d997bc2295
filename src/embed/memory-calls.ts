/** Call records in memory: the newest of them, in the order in which they came. */
import type { CallFilter, UsageQuery, UsageRow } from '../admin/call-stores.ts';
import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRecord, CallRow } from '../calls/call-record.ts';
import type { KeywardStorage } from './storage-port.ts';

const RECORDS_MAX = 100_000;

export function createMemoryCalls(): KeywardStorage['calls'] {
  let records: CallRecord[] = [];
  return {
    write: async (rows) => {
      records.push(...rows.map(recordOf));
      // A tenth at a time, so that a full memory does not cost a copy for every batch.
      if (records.length > RECORDS_MAX) records = records.slice(records.length - RECORDS_MAX * 0.9);
    },
    list: async (workspaceId, { cursor, limit }, filter) => {
      const found = records.filter((record) => record.workspaceId === workspaceId && fits(record, filter)).toReversed();
      const from = cursor === null ? 0 : found.findIndex(({ requestId }) => requestId === cursor) + 1;
      const items = found.slice(from, from + limit);
      return { items, next: from + items.length >= found.length ? null : (items.at(-1)?.requestId ?? null) };
    },
    usage: async (workspaceId, query) => {
      const groups = new Map<string, UsageRow>();
      for (const record of records) {
        if (record.workspaceId !== workspaceId || !fits(record, query)) continue;
        if (query.kids !== undefined && !query.kids.includes(record.kid ?? '')) continue;
        const group = groupOf(record, query.groupBy);
        groups.set(group, added(groups.get(group) ?? { ...NOTHING, group }, record));
      }
      return [...groups.values()];
    },
  };
}

const FLAGS: ReadonlySet<string> = new Set(['stream', 'complete', 'costEstimated'] satisfies (keyof CallRecord)[]);

/** The order of a row is that of the fields: the two are held together where rows are made. */
function recordOf(row: CallRow): CallRecord {
  const entries = CALL_FIELDS.map((field, i) => [field, FLAGS.has(field) ? row[i] === 1 : (row[i] ?? null)]);
  return Object.fromEntries(entries) as CallRecord;
}

function fits(record: CallRecord, filter: CallFilter): boolean {
  return (
    (filter.kid === undefined || record.kid === filter.kid) &&
    (filter.applicationId === undefined || record.applicationId === filter.applicationId) &&
    (filter.code === undefined || record.code === filter.code) &&
    (filter.status === undefined || record.status === filter.status) &&
    (filter.provider === undefined || record.provider === filter.provider) &&
    (filter.model === undefined || record.model === filter.model) &&
    (filter.requestId === undefined || record.requestId === filter.requestId) &&
    (filter.fromMs === undefined || record.startedAtMs >= filter.fromMs) &&
    (filter.toMs === undefined || record.startedAtMs < filter.toMs)
  );
}

function groupOf(record: CallRecord, by: UsageQuery['groupBy']): string {
  switch (by) {
    case 'key':
      return record.kid ?? '';
    case 'owner':
      return record.ownerId ?? '';
    case 'application':
      return record.applicationId ?? '';
    case 'model':
      return record.model ?? '';
    case 'provider':
      return record.provider ?? '';
    case 'code':
      return record.code;
    case 'key and model':
      return `${record.kid ?? ''} ${record.model ?? ''}`;
    case 'day':
      return new Date(record.startedAtMs).toISOString().slice(0, 10);
  }
}

const NOTHING: Omit<UsageRow, 'group'> = {
  calls: 0,
  failedCalls: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  requestBytes: 0,
  responseBytes: 0,
  costNanoUsd: 0,
};

function added(sum: UsageRow, record: CallRecord): UsageRow {
  return {
    group: sum.group,
    calls: sum.calls + 1,
    failedCalls: sum.failedCalls + (record.code === 'ok' ? 0 : 1),
    inputTokens: sum.inputTokens + (record.inputTokens ?? 0),
    cachedInputTokens: sum.cachedInputTokens + (record.cachedInputTokens ?? 0),
    outputTokens: sum.outputTokens + (record.outputTokens ?? 0),
    reasoningTokens: sum.reasoningTokens + (record.reasoningTokens ?? 0),
    requestBytes: sum.requestBytes + record.requestBytes,
    responseBytes: sum.responseBytes + record.responseBytes,
    costNanoUsd: sum.costNanoUsd + (record.costNanoUsd ?? 0),
  };
}
