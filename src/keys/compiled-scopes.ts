import type { Cidr } from './cidr.ts';
import { parseCidr } from './cidr.ts';
import type { Scopes, TimeWindow, Weekday } from './constraints.ts';
import type { EndpointPattern } from './endpoint-pattern.ts';
import { parseEndpointPattern } from './endpoint-pattern.ts';
import type { ModelPatterns } from './model-pattern.ts';
import { compileModelPatterns } from './model-pattern.ts';

/** Scopes made ready to be checked: made once, read on every call. `null` where nothing is narrowed. */
export interface CompiledScopes {
  readonly services: ReadonlySet<string> | null;
  readonly endpoints: readonly EndpointPattern[] | null;
  readonly models: ModelPatterns | null;
  readonly operations: ReadonlySet<string> | null;
  readonly tools: ReadonlySet<string> | null;
  readonly addresses: readonly Cidr[] | null;
  readonly countries: ReadonlySet<string> | null;
  readonly timeWindows: readonly CompiledTimeWindow[] | null;
}

export interface CompiledTimeWindow {
  readonly timeZone: string;
  /** Parts of a week, in minutes since Monday 00:00, end exclusive; an end beyond the week goes on at its start. */
  readonly spans: readonly { readonly from: number; readonly to: number }[];
}

const MINUTES_A_WEEK = 7 * 24 * 60;
const MINUTES_A_DAY = 24 * 60;
const DAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

const compiledScopes = new WeakMap<Scopes, CompiledScopes>();

/** Compiles scopes that were read by `readScopes`, once for each value. */
export function compileScopes(scopes: Scopes): CompiledScopes {
  const known = compiledScopes.get(scopes);
  if (known !== undefined) return known;
  const compiled: CompiledScopes = {
    services: setOf(scopes.services),
    endpoints: scopes.endpoints === null ? null : scopes.endpoints.flatMap(endpointsOf),
    models: scopes.models === null ? null : compileModelPatterns(scopes.models),
    operations: setOf(scopes.operations),
    tools: setOf(scopes.tools),
    addresses: scopes.addresses === null ? null : scopes.addresses.flatMap(blocksOf),
    countries: setOf(scopes.countries),
    timeWindows: scopes.timeWindows === null ? null : scopes.timeWindows.map(compileTimeWindow),
  };
  compiledScopes.set(scopes, compiled);
  return compiled;
}

function setOf(names: readonly string[] | null): ReadonlySet<string> | null {
  return names === null ? null : new Set(names);
}

/** What cannot be read allows nothing; `readScopes` has refused it before. */
function endpointsOf(text: string): readonly EndpointPattern[] {
  const parsed = parseEndpointPattern(text);
  return parsed.ok ? [parsed.pattern] : [];
}

function blocksOf(text: string): readonly Cidr[] {
  const parsed = parseCidr(text);
  return parsed.ok ? [parsed.cidr] : [];
}

function compileTimeWindow({ days, from, to, timeZone }: TimeWindow): CompiledTimeWindow {
  const start = minuteOf(from);
  const length = minuteOf(to) - start;
  const minutes = length > 0 ? length : length + MINUTES_A_DAY;
  const spans = days.map((day) => {
    const at = DAYS.indexOf(day) * MINUTES_A_DAY + start;
    return { from: at, to: at + minutes };
  });
  return { timeZone, spans };
}

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** Whether a minute of the week is inside. */
export function isInWindow({ spans }: CompiledTimeWindow, minute: number): boolean {
  const nextWeek = minute + MINUTES_A_WEEK;
  for (const { from, to } of spans) {
    if ((minute >= from && minute < to) || (nextWeek >= from && nextWeek < to)) return true;
  }
  return false;
}
