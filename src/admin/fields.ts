/** Fields that several resources have in common. */
import { z } from 'zod';
import { parseCidr } from '../keys/cidr.ts';
import { parseModelPattern } from '../keys/model-pattern.ts';
import type { Page, PageRequest } from './stores.ts';

export const time = z.iso.datetime({ offset: true }).describe('A time, RFC 3339, for example 2030-01-31T12:00:00Z.');
export const state = z.enum(['active', 'disabled']);
export const displayName = z.string().trim().min(1).max(200);
export const id = z.string().min(1).max(100);
export const count = z.int().min(0);

/** A switch in a query: `true` or `false`, off unless given. */
export const flag = z
  .preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())
  .default(false);

/** The part of a list's query that shows what was deleted in place of what is there. */
export const deletedField = { deleted: flag.describe('True: what was deleted, and can be restored.') };

export const modelPattern = z
  .string()
  .superRefine((text, ctx) => refuse(parseModelPattern(text), ctx))
  .describe('A pattern over provider/name and aliases; * matches any run of characters.');

export const cidr = z
  .string()
  .superRefine((text, ctx) => refuse(parseCidr(text), ctx))
  .describe('An address or CIDR block, IPv4 or IPv6.');

/** The part of every list's query that turns pages. */
export const pageFields = {
  cursor: z.string().max(500).exactOptional().describe('The `next` of the page before.'),
  limit: z.coerce.number<number>().int().min(1).max(500).default(50).describe('Entries a page.'),
};

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().describe('The cursor of the next page; null at the end.'),
  });
}

export function pageRequest(query: { readonly cursor?: string; readonly limit: number }): PageRequest {
  return { cursor: query.cursor ?? null, limit: query.limit };
}

export function mapPage<A, B>(page: Page<A>, view: (item: A) => B): { items: B[]; next: string | null } {
  return { items: page.items.map(view), next: page.next };
}

/** A page of a list held in memory, whose cursor is the last id shown. */
export function pageOfArray<T extends { readonly id: string }>(all: readonly T[], request: PageRequest) {
  const sorted = all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { cursor } = request;
  const rest = cursor === null ? sorted : sorted.filter((item) => item.id > cursor);
  const items = rest.slice(0, request.limit);
  return { items, next: rest.length > items.length ? (items.at(-1)?.id ?? null) : null };
}

export function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

export function isoOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : iso(timeMs);
}

export function msOrNull(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}

/** The key core's own parsers decide, so that nothing is stored that it could not read. */
function refuse(
  parsed: { readonly ok: true } | { readonly ok: false; readonly reason: string },
  ctx: z.RefinementCtx,
): void {
  if (!parsed.ok) ctx.addIssue({ code: 'custom', message: `is not valid: ${parsed.reason}` });
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Milliseconds of a duration such as `30d`, `12h`, `15m` or `90s`, whose form was checked. */
export function durationMs(text: string): number {
  const unit = text.slice(-1) as keyof typeof SECONDS;
  return Number(text.slice(0, -1)) * SECONDS[unit] * 1000;
}

/** A duration as {@link durationMs} reads it, in the largest unit that fits. */
export function durationText(timeMs: number): string {
  const seconds = Math.round(timeMs / 1000);
  if (seconds === 0) return '0s';
  for (const unit of ['d', 'h', 'm'] as const) {
    if (seconds % SECONDS[unit] === 0) return `${seconds / SECONDS[unit]}${unit}`;
  }
  return `${seconds}s`;
}

export function durationTextOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : durationText(timeMs);
}

export const duration = z.string().regex(/^\d{1,5}[smhd]$/, 'must be a duration such as 30d, 24h, 15m or 90s');

/** A duration that is no longer than another. */
export function durationUpTo(longest: string) {
  return duration.refine((text) => durationMs(text) <= durationMs(longest), `must be at most ${longest}`);
}

/** How long an old secret is accepted beside the new one: longer, it would be a second key that nobody watches. */
export const overlapField = durationUpTo('90d');
