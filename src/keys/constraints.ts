/**
 * The closed vocabulary of what narrows a credential, an application, a team or a workspace. What is
 * stored or signed is read back through here: a member that this version does not know is refused
 * whole, because leaving it out would widen the rights. Uses nothing but the language, so that it
 * runs in any runtime.
 */
import { parseCidr } from './cidr.ts';
import { parseEndpointPattern } from './endpoint-pattern.ts';
import { parseModelPattern } from './model-pattern.ts';

/** `null`: not narrowed; an empty list allows nothing. */
export interface Scopes {
  /** Names of services. */
  readonly services: readonly string[] | null;
  /** `METHOD path`, `*` for any method and, in the path, for any run of characters. */
  readonly endpoints: readonly string[] | null;
  /** Patterns over `provider/name` and aliases, `*` matches any run of characters. */
  readonly models: readonly string[] | null;
  /** Operation classes, for example `chat`, `embeddings`. */
  readonly operations: readonly string[] | null;
  /** Names of MCP tools. */
  readonly tools: readonly string[] | null;
  /** CIDR blocks, v4 or v6. */
  readonly addresses: readonly string[] | null;
  /** ISO 3166-1 alpha-2, upper case. */
  readonly countries: readonly string[] | null;
  /** Inside any of them. */
  readonly timeWindows: readonly TimeWindow[] | null;
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Each of the days from one time to the other; to the same or an earlier time: over midnight. */
export interface TimeWindow {
  readonly days: readonly Weekday[];
  /** `HH:MM`, from 00:00. */
  readonly from: string;
  /** `HH:MM`, up to 24:00, exclusive. */
  readonly to: string;
  /** IANA name, for example `Europe/Berlin`. */
  readonly timeZone: string;
}

/** `null`: no limit. Counts are whole numbers ≥ 1. */
export interface Limits {
  readonly requestsPerSecond: number | null;
  readonly requestsPerMinute: number | null;
  readonly requestsPerHour: number | null;
  readonly requestsPerDay: number | null;
  /** Input and output together. */
  readonly tokensPerMinute: number | null;
  readonly tokensPerDay: number | null;
  /** Calls in flight at the same time. */
  readonly concurrency: number | null;
  /** Calls that may ever be made. */
  readonly uses: number | null;
  /** A call must fit into all of them. */
  readonly budgets: readonly Budget[] | null;
  /** Nano-USD that one call may cost at most, as estimated before it. */
  readonly costPerCallMax: number | null;
  /** Tokens of one call, input and output together, as estimated before it. */
  readonly tokensPerCallMax: number | null;
  /** Bytes of one request's body. */
  readonly requestBytesMax: number | null;
  /** Bytes of one answer's body, as the caller gets it. */
  readonly responseBytesMax: number | null;
}

export type BudgetPeriod = 'hour' | 'day' | 'week' | 'month' | 'total';

/** An amount of money per period. */
export interface Budget {
  /** Whole nano-USD, 1 to {@link BUDGET_NANO_USD_MAX}. */
  readonly nanoUsd: number;
  readonly period: BudgetPeriod;
  /** `calendar`: begins anew with each hour, day, week (Monday) or month; `rolling`: looks back as long (a month is 30 days). */
  readonly window: 'calendar' | 'rolling';
  /** IANA name; where days begin. */
  readonly timeZone: string;
  /** `soft`: exceeding it is told, and refuses nothing. */
  readonly kind: 'hard' | 'soft';
}

/** Nine million USD: sums of it and of a call stay exact in a double. */
export const BUDGET_NANO_USD_MAX = 9e15;

/** What nothing narrows. */
export const NO_SCOPES: Scopes = {
  services: null,
  endpoints: null,
  models: null,
  operations: null,
  tools: null,
  addresses: null,
  countries: null,
  timeWindows: null,
};

/** Without limits of its own. */
export const NO_LIMITS: Limits = {
  requestsPerSecond: null,
  requestsPerMinute: null,
  requestsPerHour: null,
  requestsPerDay: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  concurrency: null,
  uses: null,
  budgets: null,
  costPerCallMax: null,
  tokensPerCallMax: null,
  requestBytesMax: null,
  responseBytesMax: null,
};

export type ReadConstraints<T> =
  | { readonly ok: true; readonly value: T }
  /** `reason` completes "this is refused because …", for people; it holds no secret. */
  | { readonly ok: false; readonly code: 'unknown_constraint' | 'malformed'; readonly reason: string };

/** How many entries one list may have, and how long a text in it may be. */
const LIST_MAX = 500;
const TEXT_MAX = 256;
const BUDGETS_MAX = 10;
const COUNT_MAX = 1e12;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/;
const OPERATION = /^[a-z][a-z_]{0,39}$/;
const COUNTRY = /^[A-Z]{2}$/;
const CLOCK_TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;
const WEEKDAYS: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const PERIODS: readonly string[] = ['hour', 'day', 'week', 'month', 'total'];

type Reason = string | null;

/** Why each entry of a scope's list is refused, or null. Complete by its type: a new scope does not compile until it is known here. */
const SCOPE_ENTRIES: Readonly<Record<keyof Scopes, (entry: unknown) => Reason>> = {
  services: textThat((text) => (NAME.test(text) ? null : 'a service is named by letters, digits and . _ : / @ -')),
  endpoints: textThat((text) => reasonOf(parseEndpointPattern(text))),
  models: textThat((text) => reasonOf(parseModelPattern(text))),
  operations: textThat((text) => (OPERATION.test(text) ? null : 'an operation is a word such as chat or embeddings')),
  tools: textThat((text) => (NAME.test(text) ? null : 'a tool is named by letters, digits and . _ : / @ -')),
  addresses: textThat((text) => reasonOf(parseCidr(text))),
  countries: textThat((text) => (COUNTRY.test(text) ? null : 'a country is two capital letters (ISO 3166-1)')),
  timeWindows: whyNotTimeWindow,
};

/** Why each limit's value is refused, or null. */
const LIMIT_VALUES: Readonly<Record<keyof Limits, (value: unknown) => Reason>> = {
  requestsPerSecond: whyNotCount,
  requestsPerMinute: whyNotCount,
  requestsPerHour: whyNotCount,
  requestsPerDay: whyNotCount,
  tokensPerMinute: whyNotCount,
  tokensPerDay: whyNotCount,
  concurrency: whyNotCount,
  uses: whyNotCount,
  budgets: whyNotBudgets,
  costPerCallMax: whyNotAmount,
  tokensPerCallMax: whyNotCount,
  requestBytesMax: whyNotCount,
  responseBytesMax: whyNotCount,
};

/** Scopes out of parsed JSON: absent members are not narrowed, unknown ones are refused. */
export function readScopes(input: unknown): ReadConstraints<Scopes> {
  return read(input, NO_SCOPES, 'scope', (name, value) => whyNotList(SCOPE_ENTRIES[name], value));
}

/** Limits out of parsed JSON: absent members are no limit, unknown ones are refused. */
export function readLimits(input: unknown): ReadConstraints<Limits> {
  return read(input, NO_LIMITS, 'limit', (name, value) => LIMIT_VALUES[name](value));
}

function read<T extends object>(
  input: unknown,
  nothing: T,
  kind: string,
  whyNot: (name: keyof T, value: unknown) => Reason,
): ReadConstraints<T> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { ok: false, code: 'malformed', reason: `the ${kind}s are not an object` };
  }
  for (const [name, value] of Object.entries(input)) {
    if (!Object.hasOwn(nothing, name)) {
      return { ok: false, code: 'unknown_constraint', reason: `the ${kind} ${quote(name)} is not known` };
    }
    // Known by the line above. Undefined and null are the same: not narrowed.
    const reason = value === null || value === undefined ? null : whyNot(name as keyof T, value);
    if (reason !== null) return { ok: false, code: 'malformed', reason: `the ${kind} ${quote(name)}: ${reason}` };
  }
  // Every member was checked just now.
  return { ok: true, value: { ...nothing, ...(input as Partial<T>) } };
}

function whyNotList(whyNotEntry: (entry: unknown) => Reason, value: unknown): Reason {
  if (!Array.isArray(value)) return 'it is not a list';
  if (value.length > LIST_MAX) return `it has more than ${LIST_MAX} entries`;
  for (const entry of value) {
    const reason = whyNotEntry(entry);
    if (reason !== null) return reason;
  }
  return null;
}

function textThat(whyNot: (text: string) => Reason): (entry: unknown) => Reason {
  return (entry) => {
    if (typeof entry !== 'string') return 'an entry is not a text';
    if (entry.length > TEXT_MAX) return `an entry is longer than ${TEXT_MAX} characters`;
    const reason = whyNot(entry);
    return reason === null ? null : `${quote(entry)} is not valid: ${reason}`;
  };
}

function whyNotTimeWindow(entry: unknown): Reason {
  const fields = asFields(entry);
  if (fields === null) return 'a time window is an object of days, from, to and timeZone';
  const { days, from, to, timeZone, ...rest } = fields;
  if (Object.keys(rest).length > 0) {
    return `${quote(Object.keys(rest)[0] ?? '')} is not a member of a time window: it has days, from, to and timeZone`;
  }
  if (
    !Array.isArray(days) ||
    days.length === 0 ||
    !days.every((day: unknown) => typeof day === 'string' && WEEKDAYS.includes(day))
  ) {
    return 'days are a list out of mon, tue, wed, thu, fri, sat, sun';
  }
  if (typeof from !== 'string' || !CLOCK_TIME.test(from)) return 'from is a time of day such as 09:00';
  if (typeof to !== 'string' || !(CLOCK_TIME.test(to) || to === '24:00')) return 'to is a time of day such as 17:30';
  return whyNotTimeZone(timeZone);
}

function whyNotBudgets(value: unknown): Reason {
  if (!Array.isArray(value)) return 'it is not a list';
  if (value.length > BUDGETS_MAX) return `it has more than ${BUDGETS_MAX} entries`;
  for (const entry of value) {
    const reason = whyNotBudget(entry);
    if (reason !== null) return reason;
  }
  return null;
}

function whyNotBudget(entry: unknown): Reason {
  const fields = asFields(entry);
  if (fields === null) return 'a budget is an object';
  const { nanoUsd, period, window, timeZone, kind, ...rest } = fields;
  if (Object.keys(rest).length > 0) {
    return `${quote(Object.keys(rest)[0] ?? '')} is not a member of a budget: it has nanoUsd, period, window, timeZone and kind`;
  }
  if (typeof period !== 'string' || !PERIODS.includes(period)) return `period is one of ${PERIODS.join(', ')}`;
  if (window !== 'calendar' && window !== 'rolling') return 'window is calendar or rolling';
  if (window === 'rolling' && period === 'total') return 'a total does not roll';
  if (kind !== 'hard' && kind !== 'soft') return 'kind is hard or soft';
  return whyNotAmount(nanoUsd) ?? whyNotTimeZone(timeZone);
}

function whyNotTimeZone(value: unknown): Reason {
  const known = typeof value === 'string' && value.length <= TEXT_MAX && isTimeZone(value);
  return known ? null : 'timeZone is an IANA name such as Europe/Berlin';
}

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // what Intl throws for a name that it does not know
  }
}

function whyNotCount(value: unknown): Reason {
  const isCount = Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= COUNT_MAX;
  return isCount ? null : 'it is not a whole number of at least 1';
}

function whyNotAmount(value: unknown): Reason {
  const isAmount = Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= BUDGET_NANO_USD_MAX;
  return isAmount ? null : 'it is not a whole number of nano-USD, at most nine million USD';
}

function asFields(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function reasonOf(parsed: { readonly ok: true } | { readonly ok: false; readonly reason: string }): Reason {
  return parsed.ok ? null : parsed.reason;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
