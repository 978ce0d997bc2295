import type { DatabaseSync } from 'node:sqlite';
import type { KeyUseQuery, KeyUseRow } from '../admin/call-stores.ts';
import { daysWithin } from './call-days.ts';
import type { CallDays } from './call-days.ts';
import { callCondition } from './call-query.ts';
import type { Condition } from './call-query.ts';
import { CorruptColumnError } from './columns.ts';

const ROWS_MAX = 1000;
/** Values that are held while days are summed: callers make them up. */
const VALUES_MAX = 20_000;

const VALUES: Readonly<Record<KeyUseQuery['by'], string>> = {
  all: "''",
  model: `coalesce(provider || '/' || model, requested_model)`,
  endpoint: `method || ' ' || path`,
  address: 'client_address',
  country: 'country',
  session: 'session',
  code: 'code',
};

/** Sums the calls of one key by one of their properties. */
export function sumKeyUse(days: CallDays, workspaceId: string, query: KeyUseQuery): readonly KeyUseRow[] {
  const { kid, fromMs, toMs, by } = query;
  const condition = callCondition(workspaceId, { kid, fromMs, toMs });
  const sums = new Map<string, KeyUseRow>();
  for (const day of daysWithin(days, fromMs, toMs)) {
    for (const row of days.read(day, (database) => sumDay(database, VALUES[by], condition))) {
      const before = sums.get(row.value);
      if (before !== undefined || sums.size < VALUES_MAX)
        sums.set(row.value, before === undefined ? row : add(before, row));
    }
  }
  return [...sums.values()].toSorted((a, b) => b.calls - a.calls || (a.value < b.value ? -1 : 1)).slice(0, ROWS_MAX);
}

function sumDay(database: DatabaseSync, value: string, { sql, values }: Condition): readonly KeyUseRow[] {
  return database
    .prepare(
      `select coalesce(${value}, '') as value, count(*) as calls, sum(code <> 'ok') as failed_calls,
        coalesce(sum(input_tokens), 0) as input_tokens, coalesce(sum(output_tokens), 0) as output_tokens,
        coalesce(sum(cost_nano_usd), 0) as cost_nano_usd,
        min(started_at_ms) as first_at_ms, max(started_at_ms) as last_at_ms
      from calls where ${sql} group by 1 order by calls desc limit ${VALUES_MAX}`,
    )
    .all(...values)
    .map(read);
}

function read(row: Readonly<Record<string, unknown>>): KeyUseRow {
  const count = (column: string): number => {
    const found = row[column];
    if (typeof found !== 'number') throw new CorruptColumnError(`calls.${column}`);
    return found;
  };
  const { value } = row;
  if (typeof value !== 'string') throw new CorruptColumnError('calls.value');
  return {
    value,
    calls: count('calls'),
    failedCalls: count('failed_calls'),
    inputTokens: count('input_tokens'),
    outputTokens: count('output_tokens'),
    costNanoUsd: count('cost_nano_usd'),
    firstAtMs: count('first_at_ms'),
    lastAtMs: count('last_at_ms'),
  };
}

function add(sum: KeyUseRow, row: KeyUseRow): KeyUseRow {
  return {
    value: sum.value,
    calls: sum.calls + row.calls,
    failedCalls: sum.failedCalls + row.failedCalls,
    inputTokens: sum.inputTokens + row.inputTokens,
    outputTokens: sum.outputTokens + row.outputTokens,
    costNanoUsd: sum.costNanoUsd + row.costNanoUsd,
    firstAtMs: Math.min(sum.firstAtMs, row.firstAtMs),
    lastAtMs: Math.max(sum.lastAtMs, row.lastAtMs),
  };
}
