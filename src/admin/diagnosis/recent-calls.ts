/** What was called with a key lately, and what failed of it. */
import { z } from 'zod';
import type { CallRecord } from '../../calls/call-record.ts';
import type { CallContext } from '../contract.ts';
import { iso, time } from '../fields.ts';
import { meaningOf } from './meanings.ts';

const DAYS = 30;
const DAY_MS = 86_400_000;
/** Calls that are looked at, and shown. */
const READ_MAX = 500;
const SHOWN_MAX = 10;
const CODES_MAX = 20;

export const recentCallView = z
  .object({ requestId: z.string(), at: time, status: z.int(), code: z.string(), model: z.string().nullable() })
  .meta({ id: 'RecentCall' });

export const failureView = z
  .object({
    code: z.string(),
    count: z.int(),
    lastAt: time,
    lastRequestId: z.string(),
    means: z.string(),
    todo: z.array(z.string()),
  })
  .meta({ id: 'FailureGroup' });

export interface RecentCalls {
  readonly lastCalls: z.input<typeof recentCallView>[];
  readonly failures: z.input<typeof failureView>[];
}

/** Of the last 30 days; failures also of callers who named the key without proving it. */
export async function recentCalls(ctx: CallContext, kid: string): Promise<RecentCalls> {
  const fromMs = ctx.nowMs - DAYS * DAY_MS;
  const page = { cursor: null, limit: READ_MAX };
  const proven = (await ctx.deps.calls.list(ctx.workspace.workspaceId, page, { kid, fromMs })).items;
  const unproven = (await ctx.deps.calls.list(null, page, { kid, fromMs })).items;
  return { lastCalls: proven.slice(0, SHOWN_MAX).map(viewCall), failures: groupFailures([...proven, ...unproven]) };
}

export function viewCall(record: CallRecord): z.input<typeof recentCallView> {
  const { requestId, status, code, requestedModel } = record;
  return { requestId, at: iso(record.startedAtMs), status, code, model: requestedModel };
}

function groupFailures(records: readonly CallRecord[]): RecentCalls['failures'] {
  const failed = records.filter(({ code }) => code !== 'ok').toSorted((a, b) => b.startedAtMs - a.startedAtMs);
  return [...Map.groupBy(failed, ({ code }) => code)].slice(0, CODES_MAX).flatMap(([code, group]) => {
    const last = group[0];
    if (last === undefined) return [];
    const { means, todo } = meaningOf(code);
    const when = { lastAt: iso(last.startedAtMs), lastRequestId: last.requestId };
    return [{ code, count: group.length, ...when, means, todo: [...todo] }];
  });
}
