import type { SQLInputValue } from 'node:sqlite';
import type { CallFilter, UsageQuery } from '../admin/call-stores.ts';

/** A condition and the values of its places. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** The calls of one workspace, or of none (`null`), that a filter lets through. */
export function callCondition(workspaceId: string | null, filter: CallFilter): Condition {
  const parts: Condition[] = [{ sql: 'workspace_id is ?', values: [workspaceId] }];
  const equal = (column: string, value: SQLInputValue | undefined) => {
    if (value !== undefined) parts.push({ sql: `${column} = ?`, values: [value] });
  };
  equal('kid', filter.kid);
  equal('application_id', filter.applicationId);
  equal('code', filter.code);
  equal('status', filter.status);
  equal('provider', filter.provider);
  equal('request_id', filter.requestId);
  const { model, fromMs, toMs, tag } = filter;
  if (tag !== undefined) parts.push({ sql: 'instr(tags, ?) > 0', values: [` ${tag} `] });
  if (model !== undefined) {
    // As the caller named it, or as it was sent, with or without the provider.
    parts.push({ sql: `(requested_model = ? or model = ? or ${MODEL} = ?)`, values: [model, model, model] });
  }
  // Request ids sort by time.
  if (filter.beforeRequestId !== undefined) parts.push({ sql: 'request_id < ?', values: [filter.beforeRequestId] });
  if (fromMs !== undefined) parts.push({ sql: 'started_at_ms >= ?', values: [fromMs] });
  if (toMs !== undefined) parts.push({ sql: 'started_at_ms < ?', values: [toMs] });
  return all(parts);
}

/** Joins conditions by `and`. */
export function all(parts: readonly Condition[]): Condition {
  return { sql: parts.map((part) => part.sql).join(' and '), values: parts.flatMap((part) => part.values) };
}

const MODEL = `(provider || '/' || model)`;

/** What a usage sum is grouped by; a call that has none of it is in the group with the empty name. */
export const USAGE_GROUPS: Readonly<Record<UsageQuery['groupBy'], string>> = {
  key: 'kid',
  owner: 'owner_id',
  application: 'application_id',
  model: MODEL,
  provider: 'provider',
  day: `strftime('%Y-%m-%d', started_at_ms / 1000, 'unixepoch')`,
  code: 'code',
  'key and model': `kid || ' ' || coalesce(${MODEL}, '')`,
};

/** Sums per group, in the order of a usage row. */
export function usageSql(groupBy: UsageQuery['groupBy'], condition: Condition): string {
  return `
    select coalesce(${USAGE_GROUPS[groupBy]}, '') as name, count(*) as calls, sum(code <> 'ok') as failed_calls,
      coalesce(sum(input_tokens), 0) as input_tokens, coalesce(sum(cached_input_tokens), 0) as cached_input_tokens,
      coalesce(sum(output_tokens), 0) as output_tokens, coalesce(sum(reasoning_tokens), 0) as reasoning_tokens,
      coalesce(sum(request_bytes), 0) as request_bytes, coalesce(sum(response_bytes), 0) as response_bytes,
      coalesce(sum(cost_nano_usd), 0) as cost_nano_usd
    from calls where ${condition.sql} group by 1`;
}
