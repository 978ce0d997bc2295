import type { ErrorBody } from './error-body.ts';

/** A month and a day: the longest that a provider's limit lasts. */
const WAIT_MS_MAX = 32 * 86_400_000;
/** Numbers above it are moments and no waits: Unix seconds, and above the second one Unix milliseconds. */
const UNIX_SECONDS_MIN = 1_000_000_000;
const UNIX_MS_MIN = 1_000_000_000_000;

/**
 * Milliseconds until the provider says that it takes calls again, in the order of how plainly it
 * says so; null where it does not. "At once" is taken for not said: it has just refused.
 */
export function resetAfterMs(headers: readonly string[], body: ErrorBody, nowMs: number): number | null {
  const found =
    plainHeaderMs(headers, nowMs) ??
    durationMs(body.isDaily ? null : body.retryDelay) ??
    spendLimitMs(body, nowMs) ??
    usedUpMs(headers, nowMs) ??
    messageMs(body.message) ??
    plainHeaderMs(body.headers, nowMs) ??
    usedUpMs(body.headers, nowMs);
  return found === null ? null : Math.ceil(Math.min(found, WAIT_MS_MAX));
}

/** `retry-after-ms` is of OpenAI and Azure; `retry-after` is RFC 9110 §10.2.3, with fractions by some. */
function plainHeaderMs(headers: readonly string[], nowMs: number): number | null {
  const ms = numeral(valueOf(headers, 'retry-after-ms'));
  if (ms !== null && ms > 0) return ms;
  const text = valueOf(headers, 'retry-after');
  if (text === null) return null;
  const seconds = numeral(text);
  return positive(seconds === null ? Date.parse(text) - nowMs : seconds * 1000);
}

/**
 * Of the limits that are used up the last one to come back: `x-ratelimit-reset-tokens` (OpenAI,
 * Groq, a duration), `anthropic-ratelimit-input-tokens-reset` (a date), `x-ratelimit-reset`
 * (OpenRouter, Unix milliseconds). One whose remainder is above 0 does not stand in the way.
 */
function usedUpMs(headers: readonly string[], nowMs: number): number | null {
  let latest: number | null = null;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const remaining = remainingName(headers[i] ?? '');
    if (remaining === null || numeral(valueOf(headers, remaining)) !== 0) continue;
    const wait = waitMs(headers[i + 1] ?? '', nowMs);
    if (wait !== null && wait > (latest ?? 0)) latest = wait;
  }
  return latest;
}

/** The header that tells what is left of the limit whose reset this one tells; null for any other header. */
function remainingName(name: string): string | null {
  if (name.startsWith('x-ratelimit-reset')) return name.replace('reset', 'remaining');
  if (name.startsWith('anthropic-ratelimit-') && name.endsWith('-reset')) {
    return `${name.slice(0, -'reset'.length)}remaining`;
  }
  return null;
}

function waitMs(text: string, nowMs: number): number | null {
  const number = numeral(text);
  if (number === null) return durationMs(text) ?? positive(Date.parse(text) - nowMs);
  if (number >= UNIX_MS_MIN) return positive(number - nowMs);
  return positive(number >= UNIX_SECONDS_MIN ? number * 1000 - nowMs : number * 1000);
}

/** `6m0s`, `2m59.56s`, `12ms`, `1h`, `34.4s`. */
function durationMs(text: string | null): number | null {
  if (text === null || text.length > 40 || !/^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/.test(text)) return null;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    sum += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return positive(sum);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** OpenAI and Groq: "Please try again in 18.642s." */
function messageMs(message: string | null): number | null {
  const found = /try again in ((?:\d+(?:\.\d+)?(?:ms|[dhms]))+)/i.exec(message ?? '');
  return durationMs(found?.[1] ?? null);
}

/** Anthropic: limits that customers set name their day; the cap of the tier ends with the month (UTC). */
function spendLimitMs({ message, code }: ErrorBody, nowMs: number): number | null {
  const named = /regain access on (\d{4}-\d{2}-\d{2})(?: at (\d{2}:\d{2}))?/i.exec(message ?? '');
  if (named !== null) return positive(Date.parse(`${named[1]}T${named[2] ?? '00:00'}:00Z`) - nowMs);
  if (code !== 'enforced_spend_limit_reached') return null;
  const now = new Date(nowMs);
  return positive(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - nowMs);
}

function numeral(text: string | null): number | null {
  return text !== null && /^\d{1,15}(?:\.\d{1,9})?$/.test(text.trim()) ? Number(text) : null;
}

function positive(ms: number): number | null {
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

function valueOf(headers: readonly string[], name: string): string | null {
  for (let i = 0; i + 1 < headers.length; i += 2) if (headers[i] === name) return headers[i + 1] ?? null;
  return null;
}
