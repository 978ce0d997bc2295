/** What was done to a key and with it, in one list, newest first. */
import { z } from 'zod';
import type { CallRecord } from '../../calls/call-record.ts';
import { AppError } from '../../errors.ts';
import type { CallContext } from '../contract.ts';
import { iso, time } from '../fields.ts';
import type { AuditRow } from '../stores.ts';

export const timelineEntryView = z
  .object({
    kind: z.enum(['change', 'calls']),
    at: time.describe('Of a change; of a run of calls the last one.'),
    since: time.describe('Of a run of calls the first one.'),
    what: z.string(),
    actor: z.string().nullable(),
    action: z.string().nullable(),
    reason: z.string().nullable(),
    changed: z.array(z.string()).describe('The fields that a change altered.'),
    count: z.int().describe('Calls one after another with the same outcome.'),
    code: z.string().nullable(),
    status: z.int().nullable(),
    models: z.array(z.string()).describe('At most five.'),
    addresses: z.array(z.string()).describe('At most five.'),
    inputTokens: z.number(),
    outputTokens: z.number(),
    lastRequestId: z.string().nullable(),
    firstRequestId: z.string().nullable(),
  })
  .meta({ id: 'TimelineEntry' });

type Entry = z.input<typeof timelineEntryView>;

const READ_AT_ONCE = 500;
/** Calls that one page looks at: a run that is longer goes on in the next. */
const CALLS_MAX = 10_000;
const NAMES_MAX = 5;
/** What every change alters. */
const ALWAYS_CHANGED: readonly string[] = ['revision', 'updatedAt'];

/** How far the pages before came. */
interface Place {
  readonly call: string | null;
  readonly event: { readonly atMs: number; readonly id: string } | null;
}

/** A list that can be looked at before it is taken from. */
interface Source<T> {
  readonly head: T | null;
  take(): Promise<T | null>;
}

export async function readTimeline(
  ctx: CallContext,
  kid: string,
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): Promise<{ items: Entry[]; next: string | null }> {
  let place: Place = cursor === null ? { call: null, event: null } : readPlace(cursor);
  const calls = await sourceOf(newestCalls(ctx, kid, place));
  const events = await sourceOf(newestEvents(ctx, kid, place));
  const items: Entry[] = [];
  let left = CALLS_MAX;
  while (items.length < limit && left > 0 && (calls.head !== null || events.head !== null)) {
    const event = isNext(events.head, calls.head) ? await events.take() : null;
    if (event !== null) {
      items.push(changeEntry(event));
      place = { ...place, event: { atMs: event.atMs, id: event.id } };
      continue;
    }
    const run = await takeRun(calls, events.head, left);
    left -= run.length;
    items.push(runEntry(run));
    place = { ...place, call: run.at(-1)?.requestId ?? place.call };
  }
  const isEnd = calls.head === null && events.head === null;
  return { items, next: isEnd ? null : writePlace(place) };
}

function isNext(event: AuditRow | null, call: CallRecord | null): boolean {
  return event !== null && (call === null || event.atMs >= call.startedAtMs);
}

/** Calls with one outcome, up to the next change of the key. */
async function takeRun(
  calls: Source<CallRecord>,
  event: AuditRow | null,
  countMax: number,
): Promise<readonly CallRecord[]> {
  const run: CallRecord[] = [];
  const outcome = calls.head === null ? '' : outcomeOf(calls.head);
  while (
    calls.head !== null &&
    run.length < countMax &&
    outcomeOf(calls.head) === outcome &&
    !isNext(event, calls.head)
  ) {
    const call = await calls.take();
    if (call !== null) run.push(call);
  }
  return run;
}

function outcomeOf({ code, status }: CallRecord): string {
  return `${status} ${code}`;
}

async function sourceOf<T>(list: AsyncGenerator<T, void>): Promise<Source<T>> {
  let next = await list.next();
  return {
    get head() {
      return next.done === true ? null : next.value;
    },
    async take() {
      const taken = next.done === true ? null : next.value;
      next = await list.next();
      return taken;
    },
  };
}

async function* newestCalls(ctx: CallContext, kid: string, { call }: Place): AsyncGenerator<CallRecord, void> {
  const filter = { kid, ...(call === null ? {} : { beforeRequestId: call }) };
  let cursor: string | null = null;
  do {
    const page = await ctx.deps.calls.list(ctx.workspace.workspaceId, { cursor, limit: READ_AT_ONCE }, filter);
    yield* page.items;
    cursor = page.next;
  } while (cursor !== null);
}

async function* newestEvents(ctx: CallContext, kid: string, { event }: Place): AsyncGenerator<AuditRow, void> {
  let cursor: string | null = null;
  do {
    const page = await ctx.workspace.audit.list({ cursor, limit: READ_AT_ONCE }, { targetId: kid });
    for (const row of page.items) if (event === null || isOlder(row, event)) yield row;
    cursor = page.next;
  } while (cursor !== null);
}

function isOlder(row: AuditRow, event: { readonly atMs: number; readonly id: string }): boolean {
  return row.atMs < event.atMs || (row.atMs === event.atMs && row.id < event.id);
}

const NOTHING = {
  models: [],
  addresses: [],
  inputTokens: 0,
  outputTokens: 0,
  lastRequestId: null,
  firstRequestId: null,
};

function changeEntry({ atMs, actor, action, reason, before, after }: AuditRow): Entry {
  const changed = changedFields(before, after);
  const what = changed.length === 0 || before === null ? action : `${action}: ${changed.join(', ')}`;
  const when = { at: iso(atMs), since: iso(atMs) };
  return {
    kind: 'change',
    ...when,
    what,
    actor,
    action,
    reason,
    changed: [...changed],
    count: 0,
    code: null,
    status: null,
    ...NOTHING,
  };
}

function changedFields(before: unknown, after: unknown): readonly string[] {
  const [old, fresh] = [fieldsOf(before), fieldsOf(after)];
  const names = Object.keys({ ...old, ...fresh }).filter((name) => !ALWAYS_CHANGED.includes(name));
  return names.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(fresh[name]));
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function runEntry(run: readonly CallRecord[]): Entry {
  const [last, first] = [run[0], run.at(-1)];
  if (last === undefined || first === undefined) throw new Error('a run of calls has at least one');
  const { code, status } = last;
  return {
    kind: 'calls',
    at: iso(last.startedAtMs),
    since: iso(first.startedAtMs),
    what: `${run.length} ${run.length === 1 ? 'call' : 'calls'}: ${status} ${code}`,
    ...{ actor: null, action: null, reason: null, changed: [] },
    ...{ count: run.length, code, status },
    models: someOf(run.map(({ requestedModel }) => requestedModel)),
    addresses: someOf(run.map(({ clientAddress }) => clientAddress)),
    inputTokens: sum(run.map(({ inputTokens }) => inputTokens)),
    outputTokens: sum(run.map(({ outputTokens }) => outputTokens)),
    lastRequestId: last.requestId,
    firstRequestId: first.requestId,
  };
}

function someOf(names: readonly (string | null)[]): string[] {
  return [...new Set(names.filter((name) => name !== null))].slice(0, NAMES_MAX);
}

function sum(amounts: readonly (number | null)[]): number {
  return amounts.reduce<number>((total, amount) => total + (amount ?? 0), 0);
}

function writePlace({ call, event }: Place): string {
  return Buffer.from(JSON.stringify([call, event?.atMs ?? null, event?.id ?? null])).toString('base64url');
}

function readPlace(cursor: string): Place {
  try {
    const [call, atMs, id]: readonly unknown[] = [...parseList(cursor)];
    const event = typeof atMs === 'number' && typeof id === 'string' ? { atMs, id } : null;
    return { call: typeof call === 'string' ? call : null, event };
  } catch (cause) {
    const message = 'The cursor is not one that this list gave out. Start again without a cursor.';
    throw new AppError('validation_failed', { message, cause });
  }
}

function parseList(cursor: string): readonly unknown[] {
  const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  if (Array.isArray(parsed) && parsed.length === 3) return parsed;
  throw new TypeError('not a cursor');
}
