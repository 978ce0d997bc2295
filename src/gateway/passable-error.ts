/** What a caller may read of a provider's error: the words of the dialect, and not whose account it was. */
import { isUtf8 } from 'node:buffer';
import { firstOf, isRecord, parsedOrUndefined } from '../llm/record.ts';
import type { JsonRecord } from '../llm/record.ts';
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

/** Of a model call. Null where nothing is left, or the body is none of any dialect. `credential` is what was sent with the call. */
export function passableError(body: Buffer, credential: string): Buffer | null {
  const value = parsedOrUndefined(body.toString('utf8'));
  const told = firstOf(value);
  if (!isRecord(told)) return null;
  const members = Object.entries(told).filter(([name]) => BODY_MEMBERS.has(name));
  if (members.length === 0) return null;
  const clean = cleaned(Object.fromEntries(members), credential);
  return Buffer.from(JSON.stringify(Array.isArray(value) ? [clean] : clean));
}

/** Of a provider's own API, whose forms nobody here knows: as it is, but for what is to be cleaned. Null where it is no text. */
export function passableOwnError(body: Buffer, isJson: boolean, credential: string): Buffer | null {
  if (!isUtf8(body)) return null;
  const text = body.toString('utf8');
  const value = parsedOrUndefined(text);
  if (value === undefined) return isJson ? null : Buffer.from(withoutAccounts(text, credential));
  const clean = JSON.stringify(cleaned(value, credential));
  return clean === JSON.stringify(value) ? body : Buffer.from(clean);
}

/** Of an event of a stream that tells an error. What the model has said stays in it. */
export function passableEvent(data: string, credential: string): string {
  const event = parsedOrUndefined(data);
  if (!isRecord(event)) return withoutAccounts(data, credential);
  const clean = JSON.stringify(cleanedEvent(event, credential));
  return clean === JSON.stringify(event) ? data : clean;
}

/** The error stands in it, in a choice (OpenRouter), or in the response that failed. */
function cleanedEvent(event: JsonRecord, credential: string): JsonRecord {
  const { choices, response } = event;
  const members = Object.entries(event).filter(([name]) => !OTHERS_BUSINESS.test(name));
  return {
    ...Object.fromEntries(
      members.map(([name, member]) => [name, BODY_MEMBERS.has(name) ? cleaned(member, credential) : member]),
    ),
    ...(Array.isArray(choices) && { choices: choices.map((choice: unknown) => withCleanError(choice, credential)) }),
    ...(response !== undefined && { response: withCleanError(response, credential) }),
  };
}

function withCleanError(value: unknown, credential: string): unknown {
  return isRecord(value) && value['error'] !== undefined
    ? { ...value, error: cleaned(value['error'], credential) }
    : value;
}

function cleaned(value: unknown, credential: string, depth = 0): unknown {
  if (typeof value === 'string') return withoutAccounts(value, credential);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEPTH_MAX) return null;
  if (Array.isArray(value)) return value.map((item: unknown) => cleaned(item, credential, depth + 1));
  const members = Object.entries(value).filter(([name]) => !OTHERS_BUSINESS.test(name));
  return Object.fromEntries(members.map(([name, member]) => [name, cleaned(member, credential, depth + 1)]));
}
