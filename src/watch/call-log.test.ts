import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRow } from '../calls/call-record.ts';
import { openCallStore } from '../storage/call-store.ts';
import { createCallLog } from './call-log.ts';
import type { CallLogOptions } from './call-log.ts';

const NOW_MS = Date.UTC(2026, 10, 8, 12);

function row(index: number): CallRow {
  const values: Readonly<Record<string, string | number>> = {
    requestId: `req_${String(index).padStart(6, '0')}`,
    startedAtMs: NOW_MS + index,
    workspaceId: 'ws_a',
    method: 'POST',
    path: '/',
    code: 'ok',
    clientAddress: '::1',
  };
  const numeric = new Set([
    'stream',
    'status',
    'attempts',
    'totalMs',
    'requestBytes',
    'responseBytes',
    'complete',
    'costEstimated',
    'configVersion',
    'worker',
  ]);
  return CALL_FIELDS.map((field) => values[field] ?? (numeric.has(field) ? 1 : null));
}

const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => row(from + index));

/** A real store in a temporary folder, in front of which a switch can make writes fail. */
function setUp(options: Partial<CallLogOptions> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'keyward-'));
  const calls = openCallStore({ dataDir });
  onTestFinished(async () => {
    await calls.close();
    rmSync(dataDir, { recursive: true });
  });
  const state = { failing: false, writes: 0, failAfter: Infinity };
  const errors: string[] = [];
  const store: CallLogOptions['store'] = {
    write: async (batch) => {
      state.writes++;
      if (state.failing || state.writes > state.failAfter) throw new Error('disk full');
      await calls.write(batch);
    },
  };
  const spoolPath = join(dataDir, 'calls', 'spool.ndjson');
  const open = () =>
    createCallLog({
      store,
      spoolPath,
      clock: { now: () => NOW_MS },
      onError: (error) => errors.push(error.message),
      batchDelayMs: 5,
      backOffMaxMs: 20,
      ...options,
    });
  const stored = async () => {
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof calls.list>> = await calls.list('ws_a', { cursor, limit: 500 }, {});
      ids.push(...page.items.map((call) => call.requestId));
      cursor = page.next;
    } while (cursor !== null);
    return ids.toReversed();
  };
  return { open, state, errors, stored, spoolPath };
}

const ids = (from: number, to: number) => rows(from, to).map((values) => values[0]);

test('rows are stored soon after they were pushed, several pushes in one transaction', async () => {
  const { open, state, stored } = setUp();
  const log = open();
  for (let index = 0; index < 50; index++) log.push([row(index)]);
  await vi.waitFor(async () => expect(await stored()).toEqual(ids(0, 50)));
  expect(state.writes).toBe(1);
  await log.close();
});

test('after a clean stop none is missing', async () => {
  const { open, stored } = setUp();
  const log = open();
  log.push(rows(0, 5000));
  await log.close();
  expect(await stored()).toEqual(ids(0, 5000));
  expect(log.status()).toEqual({ buffered: 0, spooled: false, dropped: 0 });
});

test('a store that fails for a while is tried again, and gets every row once and in order', async () => {
  const { open, state, errors, stored, spoolPath } = setUp();
  const log = open();
  state.failing = true;
  log.push(rows(0, 100));
  await vi.waitFor(() => expect(state.writes).toBeGreaterThan(2));
  expect(existsSync(spoolPath)).toBe(false);
  state.failing = false;
  log.push(rows(100, 200));
  await vi.waitFor(async () => expect(await stored()).toEqual(ids(0, 200)));
  expect(errors[0]).toBe('call records could not be stored; they are kept and tried again');
  await log.close();
});

test('when the buffer is full the oldest rows go to the spool, and to the store when it is back', async () => {
  const { open, state, stored, spoolPath } = setUp({ bufferRowsMax: 100 });
  const log = open();
  state.failing = true;
  for (let index = 0; index < 1000; index += 10) log.push(rows(index, index + 10));
  expect(log.status().buffered).toBeLessThanOrEqual(100);
  expect(statSync(spoolPath).mode & 0o777).toBe(0o600);
  state.failing = false;
  await log.flush();
  expect(await stored()).toEqual(ids(0, 1000));
  expect(log.status()).toEqual({ buffered: 0, spooled: false, dropped: 0 });
  await log.close();
});

test('a stop while the store is down leaves the rows on the spool, and the next start stores them once', async () => {
  const { open, state, stored, spoolPath } = setUp();
  const log = open();
  log.push(rows(0, 50));
  await log.flush();
  state.failing = true;
  log.push(rows(50, 100));
  await log.close();
  expect(await stored()).toEqual(ids(0, 50));
  // A crash may cut off a line; a replay that was broken off is repeated whole.
  appendFileSync(spoolPath, '["req_cut');
  state.failing = false;
  state.failAfter = state.writes + 1;
  const second = open();
  second.push([row(100)]);
  await vi.waitFor(() => expect(existsSync(`${spoolPath}.replay`)).toBe(true));
  await second.close();
  state.failAfter = Infinity;
  const third = open();
  await vi.waitFor(async () => expect(await stored()).toEqual(ids(0, 101)));
  await third.close();
  expect(third.status()).toEqual({ buffered: 0, spooled: false, dropped: 1 });
  expect(existsSync(spoolPath)).toBe(false);
});

test('beyond the bound of the spool rows are dropped, counted and told', async () => {
  const { open, state, errors, stored, spoolPath } = setUp({ bufferRowsMax: 100, spoolBytesMax: 20_000 });
  const log = open();
  state.failing = true;
  for (let index = 0; index < 1000; index += 10) log.push(rows(index, index + 10));
  await log.flush();
  expect(statSync(spoolPath).size).toBeLessThanOrEqual(20_000);
  const { dropped } = log.status();
  expect(dropped).toBeGreaterThan(0);
  expect(errors.some((message) => message.startsWith('call records were lost: '))).toBe(true);
  state.failing = false;
  await log.close();
  expect(await stored()).toHaveLength(1000 - log.status().dropped);
});

test('a row that no store could take is dropped alone and does not hold up the others', async () => {
  const { open, errors, stored } = setUp();
  const log = open();
  log.push([['short'], row(1), [...row(2).slice(0, -1), undefined] as unknown as CallRow, row(3)]);
  await log.close();
  expect(await stored()).toEqual(['req_000001', 'req_000003']);
  expect(log.status().dropped).toBe(2);
  expect(errors).toEqual(['call records were lost: 2 since the start']);
});

test('what is pushed after the stop is counted as dropped', async () => {
  const { open, stored, spoolPath } = setUp();
  const log = open();
  await log.close();
  log.push([row(1)]);
  expect(log.status().dropped).toBe(1);
  expect(await stored()).toEqual([]);
  expect(existsSync(spoolPath) && readFileSync(spoolPath, 'utf8') !== '').toBe(false);
});
