/** From when until when a credential is accepted. */
import { durationMs, msOrNull } from './fields.ts';
import { invalidField } from './validation.ts';

/** What may be said of it: omitted leaves, null clears; an expiry is a time or a duration from now. */
export interface DateInput {
  readonly notBefore?: string | null;
  readonly expiresAt?: string | null;
  readonly expiresIn?: string;
}

interface KeyDates {
  readonly notBeforeMs: number | null;
  readonly expiresAtMs: number | null;
}

/** Beyond it an expiry is a slip, such as seconds taken for milliseconds: what is not to end has none. */
const AHEAD_MS_MAX = 100 * 365.25 * 86_400_000;

/** The dates that it will have; an expiry that is set must lie ahead, and after the start. */
export function changedDates(input: DateInput, before: KeyDates, nowMs: number): KeyDates {
  const { notBefore, expiresAt, expiresIn } = input;
  if (expiresIn !== undefined && expiresAt !== undefined) throw invalidField('body', 'expiresIn', 'excludes expiresAt');
  const notBeforeMs = notBefore === undefined ? before.notBeforeMs : msOrNull(notBefore);
  const setExpiryMs = expiresIn === undefined ? expiresAt && Date.parse(expiresAt) : nowMs + durationMs(expiresIn);
  const expiresAtMs = setExpiryMs === undefined ? before.expiresAtMs : setExpiryMs || null;
  const field = expiresIn === undefined ? 'expiresAt' : 'expiresIn';
  if (setExpiryMs !== undefined && expiresAtMs !== null && expiresAtMs <= nowMs) {
    throw invalidField('body', field, 'lies in the past');
  }
  if (setExpiryMs !== undefined && (expiresAtMs ?? 0) > nowMs + AHEAD_MS_MAX) {
    throw invalidField('body', field, 'lies more than 100 years ahead: null, or no expiry at all, is for ever');
  }
  if (notBeforeMs !== null && expiresAtMs !== null && expiresAtMs <= notBeforeMs) {
    throw invalidField('body', notBefore ? 'notBefore' : field, 'leaves no time between notBefore and the expiry');
  }
  return { notBeforeMs, expiresAtMs };
}
