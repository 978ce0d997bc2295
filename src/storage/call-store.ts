import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { CallersQuery, CallFilter, CallStore, UsageQuery, UsageRow } from '../admin/call-stores.ts';
import type { Page, PageRequest } from '../admin/stores.ts';
import { isAddressIn } from '../keys/cidr.ts';
import type { CallRecord, CallRow } from '../calls/call-record.ts';
import { CALL_COLUMNS, readCall } from './call-columns.ts';
import { dayBounds, dayOf, daysWithin, openCallDays } from './call-days.ts';
import type { CallDays } from './call-days.ts';
import { all, callCondition, usageSql } from './call-query.ts';
import type { Condition } from './call-query.ts';
import { CorruptColumnError } from './columns.ts';
import { decodeDayCursor, pageOf } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { sumKeyUse } from './key-use.ts';

const STARTED_AT = CALL_COLUMNS.indexOf('started_at_ms');
/** Groups of a usage answer; the smallest beyond are summed as `(others)`. */
const USAGE_GROUPS_MAX = 10_000;

/** Call records in files, one a UTC day. */
export interface SqliteCallStore extends CallStore {
  /** Deletes the days that ended before a moment, whole files only; gives how many. */
  deleteBefore(unixMs: number): Promise<number>;
}

/** Opens the call records of a data folder, which this process holds the lock of. */
export function openCallStore({ dataDir }: { readonly dataDir: string }): SqliteCallStore {
  const days = openCallDays(dataDir);
  return {
    write: async (rows) => {
      for (const [day, ofDay] of byDay(rows)) writeDay(days, day, ofDay);
    },
    list: async (workspaceId, page, filter) => listCalls(days, callCondition(workspaceId, filter), page, filter),
    usage: async (workspaceId, query) => sumUsage(days, workspaceId, query),
    callers: (workspaceId, query) => findCallers(days, workspaceId, query),
    lastUsed: async (workspaceId, kids) => findLastUsed(days, workspaceId, kids),
    keyUse: async (workspaceId, query) => sumKeyUse(days, workspaceId, query),
    deleteBefore: async (unixMs) => {
      const ended = days.list().filter((day) => dayBounds(day).toMs <= unixMs);
      for (const day of ended) days.delete(day);
      return ended.length;
    },
    close: async () => days.close(),
  };
}

function byDay(rows: readonly CallRow[]): ReadonlyMap<string, readonly CallRow[]> {
  const days = new Map<string, CallRow[]>();
  let bounds = { fromMs: 0, toMs: 0 };
  let current: CallRow[] = [];
  for (const row of rows) {
    const startedAtMs = row[STARTED_AT];
    if (typeof startedAtMs !== 'number') throw new TypeError('a call row has no start time');
    if (startedAtMs < bounds.fromMs || startedAtMs >= bounds.toMs) {
      const day = dayOf(startedAtMs);
      bounds = dayBounds(day);
      current = days.get(day) ?? [];
      days.set(day, current);
    }
    current.push(row);
  }
  return days;
}

function writeDay(days: CallDays, day: string, rows: readonly CallRow[]): void {
  const { database, insert } = days.writer(day);
  database.exec('begin immediate');
  try {
    for (const row of rows) insert.run(...row);
    database.exec('commit');
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

function listCalls(days: CallDays, condition: Condition, page: PageRequest, filter: CallFilter): Page<CallRecord> {
  const start = page.cursor === null ? null : decodeDayCursor(page.cursor);
  const found: { readonly day: string; readonly record: CallRecord }[] = [];
  for (const day of daysWithin(days, filter.fromMs, filter.toMs)) {
    if (start !== null && day > start.position) continue;
    const missing = page.limit + 1 - found.length;
    if (missing <= 0) break;
    const rows = days.read(day, (database) => newest(database, within(condition, day, start), missing));
    found.push(...rows.map((record) => ({ day, record })));
  }
  return pageOf(
    found,
    page.limit,
    ({ record }) => record,
    ({ day, record }) => ({ position: day, id: record.requestId }),
  );
}

/** On the day where the last page ended, only what is older than its last call. */
function within(condition: Condition, day: string, start: Cursor<string> | null): Condition {
  if (start === null || start.position !== day) return condition;
  return all([condition, { sql: 'request_id < ?', values: [start.id] }]);
}

function newest(database: DatabaseSync, condition: Condition, limit: number): readonly CallRecord[] {
  return database
    .prepare(`select * from calls where ${condition.sql} order by request_id desc limit ?`)
    .all(...condition.values, limit)
    .map((row) => readCall(row));
}

function sumUsage(days: CallDays, workspaceId: string | null, query: UsageQuery): readonly UsageRow[] {
  const condition = all([
    callCondition(workspaceId, {
      fromMs: query.fromMs,
      toMs: query.toMs,
      ...(query.tag !== undefined && { tag: query.tag }),
    }),
    ...(query.kids === undefined ? [] : [ofKeys(query.kids)]),
  ]);
  const sql = usageSql(query.groupBy, condition);
  const groups = new Map<string, UsageRow>();
  for (const day of daysWithin(days, query.fromMs, query.toMs)) {
    const rows = days.read(day, (database) => database.prepare(sql).all(...condition.values));
    for (const row of rows.map((found) => readUsage(found))) groups.set(row.group, add(groups.get(row.group), row));
    if (groups.size > USAGE_GROUPS_MAX) foldSmallest(groups);
  }
  return largestFirst(groups.values());
}

function ofKeys(kids: readonly string[]): Condition {
  return { sql: `kid in (${kids.map(() => '?').join(', ')})`, values: kids };
}

async function findCallers(
  days: CallDays,
  workspaceId: string,
  { fromMs, network, provider }: CallersQuery,
): Promise<readonly string[]> {
  const filter = { fromMs, ...(provider === undefined ? {} : { provider }) };
  const { sql, values } = callCondition(workspaceId, filter);
  const callers = new Set<string>();
  for (const day of daysWithin(days, fromMs)) {
    days.read(day, (database) => {
      const pairs = database.prepare(`select distinct kid, client_address from calls where ${sql} and kid is not null`);
      for (const { kid, client_address: address } of pairs.iterate(...values)) {
        if (typeof kid !== 'string' || typeof address !== 'string') throw new CorruptColumnError('calls.kid');
        if (network === undefined || isAddressIn([network], address) === true) callers.add(kid);
      }
    });
    // A day may hold millions of calls: others have their turn between two of them.
    await setImmediate();
  }
  return [...callers];
}

/** From the newest day back, until every key was met. */
function findLastUsed(days: CallDays, workspaceId: string, kids: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let missing = kids;
  for (const day of days.list()) {
    if (missing.length === 0) break;
    const places = missing.map(() => '?').join(', ');
    const rows = days.read(day, (database) =>
      database
        .prepare(
          `select kid, max(started_at_ms) as last_ms from calls where kid in (${places}) and workspace_id = ? group by kid`,
        )
        .all(...missing, workspaceId),
    );
    for (const { kid, last_ms: lastMs } of rows) {
      if (typeof kid !== 'string' || typeof lastMs !== 'number') throw new CorruptColumnError('calls.started_at_ms');
      found.set(kid, lastMs);
    }
    missing = missing.filter((kid) => !found.has(kid));
  }
  return found;
}

function readUsage(row: Readonly<Record<string, unknown>>): UsageRow {
  const count = (column: string) => {
    const value = row[column];
    if (typeof value !== 'number') throw new CorruptColumnError(`usage.${column}`);
    return value;
  };
  const group = row['name'];
  if (typeof group !== 'string') throw new CorruptColumnError('usage.name');
  return {
    group,
    calls: count('calls'),
    failedCalls: count('failed_calls'),
    inputTokens: count('input_tokens'),
    cachedInputTokens: count('cached_input_tokens'),
    outputTokens: count('output_tokens'),
    reasoningTokens: count('reasoning_tokens'),
    requestBytes: count('request_bytes'),
    responseBytes: count('response_bytes'),
    costNanoUsd: count('cost_nano_usd'),
  };
}

function add(sum: UsageRow | undefined, row: UsageRow): UsageRow {
  if (sum === undefined) return row;
  return {
    group: sum.group,
    calls: sum.calls + row.calls,
    failedCalls: sum.failedCalls + row.failedCalls,
    inputTokens: sum.inputTokens + row.inputTokens,
    cachedInputTokens: sum.cachedInputTokens + row.cachedInputTokens,
    outputTokens: sum.outputTokens + row.outputTokens,
    reasoningTokens: sum.reasoningTokens + row.reasoningTokens,
    requestBytes: sum.requestBytes + row.requestBytes,
    responseBytes: sum.responseBytes + row.responseBytes,
    costNanoUsd: sum.costNanoUsd + row.costNanoUsd,
  };
}

function foldSmallest(groups: Map<string, UsageRow>): void {
  const others = '(others)';
  for (const row of largestFirst(groups.values()).slice(USAGE_GROUPS_MAX - 1)) {
    groups.delete(row.group);
    groups.set(others, add(groups.get(others), { ...row, group: others }));
  }
}

function largestFirst(rows: Iterable<UsageRow>): readonly UsageRow[] {
  return [...rows].toSorted((a, b) => b.calls - a.calls || (a.group < b.group ? -1 : 1));
}
