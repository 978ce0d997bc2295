/**
 * Wall-clock periods in a time zone, by the zone rules that the runtime's Intl holds. An unknown
 * zone, or a moment that is no number, throws what Intl throws (RangeError).
 *
 * A day, week or month begins at the first moment whose local date is that of its first day or
 * later. So it also has a beginning where clocks skip midnight, it begins once where they show
 * midnight twice, and each moment belongs to exactly one period.
 */
import { BoundedMap } from './bounded-map.ts';

export type ZonedPeriod = 'hour' | 'day' | 'week' | 'month';

interface Zone {
  readonly format: Intl.DateTimeFormat;
  /** Offsets by quarter of an hour; NaN where the offset changes inside of it. */
  readonly offsets: BoundedMap<number, number>;
  quarter: number;
  offsetMs: number;
}

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MINUTES = 7 * 24 * 60;
/** 1 January 1970 was a Thursday: so many days after a Monday. */
const EPOCH_WEEKDAY = 3;
/** More than any zone's distance from UTC, on either side. */
const OFFSET_BOUND_MS = DAY_MS;

/** Each holds a formatter of some tens of kilobytes. */
const ZONES_MAX = 128;
const QUARTERS_MAX = 256;
const zones = new BoundedMap<string, Zone>(ZONES_MAX);

/** Local time minus UTC at a moment. */
export function zoneOffsetMs(timeZone: string, atMs: number): number {
  return offsetAt(zoneOf(timeZone), atMs);
}

/**
 * When the period that a moment lies in began. An hour begins when the clock shows a full hour, and
 * where the offset changes: it never lasts longer than sixty minutes.
 */
export function startOfPeriod(period: ZonedPeriod, timeZone: string, atMs: number): number {
  const zone = zoneOf(timeZone);
  return period === 'hour' ? startOfHour(zone, atMs) : startOf(zone, period, ordinalAt(zone, period, atMs));
}

/** When the period that a moment lies in ends, which is later than the moment. */
export function startOfNextPeriod(period: ZonedPeriod, timeZone: string, atMs: number): number {
  const zone = zoneOf(timeZone);
  return period === 'hour' ? endOfHour(zone, atMs) : startOf(zone, period, ordinalAt(zone, period, atMs) + 1);
}

/** Minutes since Monday 00:00 as the local clock shows them, 0 to 10,079. */
export function minuteOfWeek(timeZone: string, atMs: number): number {
  const localMs = atMs + zoneOffsetMs(timeZone, atMs);
  return modulo(Math.floor((localMs + EPOCH_WEEKDAY * DAY_MS) / MINUTE_MS), WEEK_MINUTES);
}

function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const zone: Zone = { format, offsets: new BoundedMap(QUARTERS_MAX), quarter: Number.NaN, offsetMs: 0 };
  zones.set(timeZone, zone);
  return zone;
}

function offsetAt(zone: Zone, atMs: number): number {
  const quarter = Math.floor(atMs / QUARTER_MS);
  if (quarter === zone.quarter) return zone.offsetMs;
  const known = zone.offsets.get(quarter) ?? offsetOfQuarter(zone, quarter);
  if (Number.isNaN(known)) return askOffset(zone, atMs);
  zone.quarter = quarter;
  zone.offsetMs = known;
  return known;
}

/** Nearly all changes fall on quarters of an hour; in a quarter with one inside, each moment is asked for. */
function offsetOfQuarter(zone: Zone, quarter: number): number {
  const first = askOffset(zone, quarter * QUARTER_MS);
  const last = askOffset(zone, (quarter + 1) * QUARTER_MS - 1);
  const offset = first === last ? first : Number.NaN;
  zone.offsets.set(quarter, offset);
  return offset;
}

function askOffset(zone: Zone, atMs: number): number {
  const fields = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of zone.format.formatToParts(atMs)) {
    if (isField(type)) fields[type] = Number(value);
  }
  const { year, month, day, hour, minute, second } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
}

function isField(type: string): type is 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' {
  return (
    type === 'year' || type === 'month' || type === 'day' || type === 'hour' || type === 'minute' || type === 'second'
  );
}

function startOfHour(zone: Zone, atMs: number): number {
  const offset = offsetAt(zone, atMs);
  const fullMs = atMs - modulo(atMs + offset, HOUR_MS);
  return offsetAt(zone, fullMs) === offset ? fullMs : changeBetween(zone, fullMs, atMs);
}

function endOfHour(zone: Zone, atMs: number): number {
  const offset = offsetAt(zone, atMs);
  const fullMs = atMs - modulo(atMs + offset, HOUR_MS) + HOUR_MS;
  return offsetAt(zone, fullMs - 1) === offset ? fullMs : changeBetween(zone, atMs, fullMs - 1);
}

/** Which day, week or month, counted from 1970. */
function ordinalAt(zone: Zone, period: 'day' | 'week' | 'month', atMs: number): number {
  let ordinal = localOrdinal(period, atMs + offsetAt(zone, atMs));
  // Clocks were set back over the beginning of the next period: it has begun, and does not begin twice.
  while (startOf(zone, period, ordinal + 1) <= atMs) ordinal += 1;
  return ordinal;
}

function localOrdinal(period: 'day' | 'week' | 'month', localMs: number): number {
  const day = Math.floor(localMs / DAY_MS);
  switch (period) {
    case 'day':
      return day;
    case 'week':
      return Math.floor((day + EPOCH_WEEKDAY) / 7);
    case 'month': {
      const date = new Date(localMs);
      return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
    }
  }
}

function startOf(zone: Zone, period: 'day' | 'week' | 'month', ordinal: number): number {
  return firstMomentAt(zone, localStart(period, ordinal));
}

/** The local midnight, as if it were UTC. */
function localStart(period: 'day' | 'week' | 'month', ordinal: number): number {
  switch (period) {
    case 'day':
      return ordinal * DAY_MS;
    case 'week':
      return (ordinal * 7 - EPOCH_WEEKDAY) * DAY_MS;
    case 'month':
      return Date.UTC(1970, ordinal, 1);
  }
}

/** The first moment at which the local clock shows a time or a later one. */
function firstMomentAt(zone: Zone, localMs: number): number {
  const before = offsetAt(zone, localMs - OFFSET_BOUND_MS);
  const after = offsetAt(zone, localMs + OFFSET_BOUND_MS);
  const atMs = localMs - before;
  if (before === after || offsetAt(zone, atMs) === before) return atMs;
  const changeMs = changeBetween(zone, localMs - OFFSET_BOUND_MS, localMs + OFFSET_BOUND_MS);
  return changeMs > atMs ? atMs : Math.max(changeMs, localMs - after);
}

/** The moment at which the offset that holds at `fromMs` ends; it must have ended by `toMs`. */
function changeBetween(zone: Zone, fromMs: number, toMs: number): number {
  const offset = offsetAt(zone, fromMs);
  let [low, high] = [fromMs, toMs];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
