/** What a caller may read of a provider's error: the words of the dialect, and not whose account it was. */
import { isRecord, parsedOrUndefined } from '../llm/record.ts';
import { withoutAccounts } from './without-secrets.ts';

/** Beside these, vendors name the account (OpenRouter's `user_id`) or themselves. */
const BODY_MEMBERS: ReadonlySet<string> = new Set([
  'error',
  'type',
  'object',
  'message',
  'param',
  'code',
  'status',
  'detail',
  'request_id',
]);

/** Further in: who pays, and what another provider behind this one said (OpenRouter's `metadata.raw`). */
const OTHERS_BUSINESS =
  /^(?:raw|headers|(?:user|org|organi[sz]ation|account|project|team|tenant|workspace|subscription|customer|consumer|owner)(?:[_-]?(?:id|name|number|email|uuid))?)$/i;

/** No vendor's error is as deep; what is deeper is left out. */
const DEPTH_MAX = 8;

/** Null where nothing is left, or the body is none of any dialect. */
export function passableError(body: Buffer): Buffer | null {
  const value = parsedOrUndefined(body.toString('utf8'));
  // Google wraps the error of a stream that is no event stream into an array.
  const told: unknown = Array.isArray(value) ? value[0] : value;
  if (!isRecord(told)) return null;
  const members = Object.entries(told).filter(([name]) => BODY_MEMBERS.has(name));
  if (members.length === 0) return null;
  const clean = cleaned(Object.fromEntries(members), 0);
  return Buffer.from(JSON.stringify(Array.isArray(value) ? [clean] : clean));
}

function cleaned(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutAccounts(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEPTH_MAX) return null;
  if (Array.isArray(value)) return value.map((item: unknown) => cleaned(item, depth + 1));
  const members = Object.entries(value).filter(([name]) => !OTHERS_BUSINESS.test(name));
  return Object.fromEntries(members.map(([name, member]) => [name, cleaned(member, depth + 1)]));
}
