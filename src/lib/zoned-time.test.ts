import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ZonedPeriod } from './zoned-time.ts';
import { minuteOfWeek, startOfNextPeriod, startOfPeriod, zoneOffsetMs } from './zoned-time.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns', // changed at 00:01 until 2011
  'America/Sao_Paulo', // skipped midnight until 2018
  'Africa/Cairo', // skips midnight
  'Asia/Beirut',
  'America/Santiago',
  'America/Havana', // shows midnight twice
  'Asia/Kolkata', // :30
  'Asia/Kathmandu', // :45
  'Pacific/Chatham', // :45 with daylight saving
  'Australia/Lord_Howe', // half an hour of daylight saving
  'Pacific/Apia', // had no 30 December 2011
  'Pacific/Kiritimati',
  'Etc/GMT+12',
  'Africa/Casablanca',
  'Antarctica/Troll', // two hours
];
const PERIODS: readonly ZonedPeriod[] = ['hour', 'day', 'week', 'month'];

const zones = fc.constantFrom(...ZONES);
const moments = fc.integer({ min: Date.UTC(1975, 0, 1), max: Date.UTC(2060, 0, 1) });

/** What the local clock shows, by Intl alone. */
function wallClock(timeZone: string, atMs: number): string {
  return new Date(atMs).toLocaleString('sv-SE', { timeZone });
}

function utc(text: string): number {
  return Date.parse(`${text}Z`);
}

/** The moments within some days around one at which the offset changes, found by asking each quarter of an hour. */
function changesAround(timeZone: string, atMs: number): number[] {
  const changes: number[] = [];
  const firstMs = Math.floor(atMs / HOUR_MS) * HOUR_MS - 2 * DAY_MS;
  for (let t = firstMs; t < firstMs + 4 * DAY_MS; t += 15 * MINUTE_MS) {
    if (zoneOffsetMs(timeZone, t) !== zoneOffsetMs(timeZone, t - 1)) changes.push(t);
  }
  return changes;
}

describe('the offset of a zone', () => {
  test('is what the local clock shows minus UTC, at any moment', () => {
    fc.assert(
      fc.property(zones, moments, (timeZone, atMs) => {
        const shown = utc(wallClock(timeZone, atMs).replace(' ', 'T'));
        expect(zoneOffsetMs(timeZone, atMs)).toBe(shown - Math.floor(atMs / 1000) * 1000);
      }),
      { numRuns: 500 },
    );
  });

  test('changes to the millisecond, also inside of a quarter of an hour', () => {
    const changeMs = utc('2010-11-07T02:31:00'); // 00:01 daylight time in St. John's
    expect(zoneOffsetMs('America/St_Johns', changeMs - 1)).toBe(-2.5 * HOUR_MS);
    expect(zoneOffsetMs('America/St_Johns', changeMs)).toBe(-3.5 * HOUR_MS);
    expect(zoneOffsetMs('America/St_Johns', changeMs - 1)).toBe(-2.5 * HOUR_MS);
  });

  test('stays right however many zones and moments are asked for in turn', () => {
    for (let i = 0; i < 2_000; i += 1) {
      const atMs = utc('2026-01-01T00:00:00') + i * HOUR_MS;
      expect(zoneOffsetMs('Asia/Kathmandu', atMs)).toBe(5.75 * HOUR_MS);
    }
    for (const timeZone of Intl.supportedValuesOf('timeZone')) {
      const offset = zoneOffsetMs(timeZone, utc('2026-01-01T00:00:00'));
      expect(Math.abs(offset)).toBeLessThanOrEqual(14 * HOUR_MS);
    }
  });

  test('of a zone that does not exist is an error', () => {
    expect(() => zoneOffsetMs('Europe/Nowhere', 0)).toThrow(RangeError);
    expect(() => zoneOffsetMs('Europe/Berlin', Number.NaN)).toThrow(RangeError);
  });
});

describe('periods', () => {
  test('hold their moments, and follow each other without a gap', () => {
    fc.assert(
      fc.property(zones, fc.constantFrom(...PERIODS), moments, (timeZone, period, atMs) => {
        const startMs = startOfPeriod(period, timeZone, atMs);
        const nextMs = startOfNextPeriod(period, timeZone, atMs);
        expect(startMs <= atMs && atMs < nextMs).toBe(true);
        expect(startOfPeriod(period, timeZone, startMs)).toBe(startMs);
        expect(startOfPeriod(period, timeZone, nextMs - 1)).toBe(startMs);
        expect(startOfNextPeriod(period, timeZone, startMs)).toBe(nextMs);
        expect(startOfPeriod(period, timeZone, nextMs)).toBe(nextMs);
      }),
      { numRuns: 1_000 },
    );
  });

  test('begin with the first moment whose local date belongs to them', () => {
    fc.assert(
      fc.property(zones, fc.constantFrom<ZonedPeriod>('day', 'week', 'month'), moments, (timeZone, period, atMs) => {
        const startMs = startOfPeriod(period, timeZone, atMs);
        const [before, after] = [wallClock(timeZone, startMs - 1), wallClock(timeZone, startMs)];
        expect(before.slice(0, 10) < after.slice(0, 10)).toBe(true);
        if (period === 'month') expect(before.slice(0, 7) < after.slice(0, 7)).toBe(true);
        const isMonday = new Date(`${after.slice(0, 10)}T00:00Z`).getUTCDay() === 1;
        if (period === 'week') expect(isMonday).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('are the local calendar around every change of the clocks', () => {
    for (const timeZone of ZONES) {
      for (let t = utc('2009-01-01T00:00:00'); t < utc('2029-01-01T00:00:00'); t += 3 * DAY_MS) {
        if (zoneOffsetMs(timeZone, t) === zoneOffsetMs(timeZone, t + 3 * DAY_MS)) continue;
        for (const changeMs of changesAround(timeZone, t + 2 * DAY_MS)) {
          for (const atMs of [changeMs - HOUR_MS, changeMs - 1, changeMs, changeMs + HOUR_MS]) {
            const startMs = startOfPeriod('day', timeZone, atMs);
            const lengthMs = startOfNextPeriod('day', timeZone, atMs) - startMs;
            expect(startMs <= atMs && lengthMs > 0 && lengthMs < 27 * HOUR_MS).toBe(true);
            expect(wallClock(timeZone, startMs).slice(0, 10) > wallClock(timeZone, startMs - 1).slice(0, 10)).toBe(
              true,
            );
          }
        }
      }
    }
  });

  test('an hour begins at a full local hour, or where the clocks change, and never lasts longer', () => {
    fc.assert(
      fc.property(zones, moments, (timeZone, atMs) => {
        const startMs = startOfPeriod('hour', timeZone, atMs);
        const isFull = wallClock(timeZone, startMs).endsWith(':00:00');
        expect(isFull || zoneOffsetMs(timeZone, startMs) !== zoneOffsetMs(timeZone, startMs - 1)).toBe(true);
        expect(startOfNextPeriod('hour', timeZone, atMs) - startMs).toBeLessThanOrEqual(HOUR_MS);
      }),
      { numRuns: 500 },
    );
  });
});

describe('known changes of clocks', () => {
  test.each([
    ['a day of 23 hours', 'Europe/Berlin', '2026-03-29T10:00:00', '2026-03-28T23:00:00', '2026-03-29T22:00:00'],
    ['a day of 25 hours', 'Europe/Berlin', '2026-10-25T10:00:00', '2026-10-24T22:00:00', '2026-10-25T23:00:00'],
    ['a day without midnight', 'Africa/Cairo', '2026-04-24T10:00:00', '2026-04-23T22:00:00', '2026-04-24T21:00:00'],
    ['midnight twice', 'America/Havana', '2026-11-01T12:00:00', '2026-11-01T04:00:00', '2026-11-02T05:00:00'],
    ['a day left out', 'Pacific/Apia', '2011-12-30T09:59:59', '2011-12-29T10:00:00', '2011-12-30T10:00:00'],
    ['23:01 twice', 'America/St_Johns', '2010-11-07T02:45:00', '2010-11-07T02:30:00', '2010-11-08T03:30:00'],
  ])('%s', (_, timeZone, at, start, next) => {
    expect(startOfPeriod('day', timeZone, utc(at))).toBe(utc(start));
    expect(startOfNextPeriod('day', timeZone, utc(at))).toBe(utc(next));
  });

  test('a month may be an hour short, and begin where the zone is ahead', () => {
    expect(startOfPeriod('month', 'Europe/Berlin', utc('2026-03-31T21:59:59'))).toBe(utc('2026-02-28T23:00:00'));
    expect(startOfNextPeriod('month', 'Europe/Berlin', utc('2026-03-31T21:59:59'))).toBe(utc('2026-03-31T22:00:00'));
    expect(startOfPeriod('month', 'Asia/Kolkata', utc('2026-12-31T18:30:00'))).toBe(utc('2026-12-31T18:30:00'));
  });

  test('the hour that the clocks repeat is two hours', () => {
    const [first, second] = [utc('2026-10-25T00:30:00'), utc('2026-10-25T01:30:00')];
    expect(startOfPeriod('hour', 'Europe/Berlin', first)).toBe(utc('2026-10-25T00:00:00'));
    expect(startOfPeriod('hour', 'Europe/Berlin', second)).toBe(utc('2026-10-25T01:00:00'));
  });

  test('half an hour of daylight saving cuts an hour in two', () => {
    const changeMs = utc('2026-10-03T15:30:00'); // 02:00 becomes 02:30 on Lord Howe
    expect(startOfPeriod('hour', 'Australia/Lord_Howe', changeMs + 10 * MINUTE_MS)).toBe(changeMs);
    expect(startOfNextPeriod('hour', 'Australia/Lord_Howe', changeMs)).toBe(changeMs + 30 * MINUTE_MS);
  });
});

describe('the minute of the week', () => {
  test('is that of the local clock, Monday first', () => {
    fc.assert(
      fc.property(zones, moments, (timeZone, atMs) => {
        const shown = wallClock(timeZone, atMs);
        const day = (new Date(`${shown.slice(0, 10)}T00:00Z`).getUTCDay() + 6) % 7;
        const minutes = Number(shown.slice(11, 13)) * 60 + Number(shown.slice(14, 16));
        expect(minuteOfWeek(timeZone, atMs)).toBe(day * 1_440 + minutes);
      }),
    );
    expect(minuteOfWeek('UTC', utc('2026-01-05T00:00:00'))).toBe(0);
    expect(minuteOfWeek('UTC', utc('2026-01-04T23:59:59'))).toBe(10_079);
  });
});
