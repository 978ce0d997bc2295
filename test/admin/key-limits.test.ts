import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';
import { refusal } from './refusals.ts';

const MINUTE_MS = 60_000;

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const create = (limits: object) => admin.client.call('keys.create', { body: { name: 'billing', limits } });

describe('limits that contradict one another are refused, and the field is named', () => {
  test.each([
    [{ requestsPerMinute: 100, requestsPerHour: 50 }, 'limits.requestsPerMinute'],
    [{ requestsPerSecond: 10, requestsPerDay: 5 }, 'limits.requestsPerSecond'],
    [{ tokensPerMinute: 1000, tokensPerDay: 10 }, 'limits.tokensPerMinute'],
    [{ tokensPerCallMax: 1000, tokensPerMinute: 10 }, 'limits.tokensPerCallMax'],
    [{ usdPerCallMax: 2, budgets: [{ usd: 1, period: 'day' }] }, 'limits.usdPerCallMax'],
  ])('%j', async (limits, field) => {
    const error = await refusal(create(limits));
    expect(error).toMatchObject({ status: 422, code: 'validation_failed', fields: [{ in: 'body', field }] });
  });

  const budget = (usd: number, period: string, more: object = {}) => ({ usd, period, ...more });

  test.each([
    [
      [budget(5, 'day'), budget(6, 'day', { kind: 'soft' })],
      'limits.budgets[1]',
      '(soft, $6 per day) can never be reached, because of hard, $5 per day: lower it, or raise that',
    ],
    [
      [budget(10, 'day'), budget(2, 'month')],
      'limits.budgets[0]',
      '(hard, $10 per day) can never be reached, because of hard, $2 per month: lower it, or raise that',
    ],
    [
      [budget(2, 'total'), budget(0.5, 'hour'), budget(3, 'week', { kind: 'soft' })],
      'limits.budgets[2]',
      '(soft, $3 per week) can never be reached, because of hard, $2 in total: lower it, or raise that',
    ],
    [
      [budget(5, 'day'), budget(10, 'day')],
      'limits.budgets[1]',
      '(hard, $10 per day) is of the same period as hard, $5 per day: keep one of them',
    ],
    [
      [budget(5, 'week', { kind: 'soft' }), budget(5, 'week', { kind: 'soft' })],
      'limits.budgets[1]',
      '(soft, $5 per week) is of the same period as soft, $5 per week: keep one of them',
    ],
  ])('budgets: %j', async (budgets, field, message) => {
    expect(await refusal(create({ budgets }))).toMatchObject({ status: 422, fields: [{ in: 'body', field, message }] });
  });

  test.each([
    [[budget(5, 'day'), budget(4, 'day', { kind: 'soft' }), budget(100, 'month')]],
    [[budget(5, 'day'), budget(5, 'day', { kind: 'soft' })]],
    [[budget(5, 'day'), budget(7, 'day', { window: 'rolling' })]],
    [[budget(5, 'day'), budget(7, 'day', { timeZone: 'Asia/Tokyo' })]],
    [[budget(10, 'day'), budget(2, 'month', { kind: 'soft' })]],
  ])('budgets that can all be reached are fine: %j', async (budgets) => {
    expect((await create({ budgets })).limits.budgets).toHaveLength(budgets.length);
  });

  test('a budget that stands beside another already is no obstacle to a change of something else', async () => {
    const { kid } = await create({ budgets: [budget(5, 'day')] });
    const { keys } = admin.store.workspace(admin.workspaceId);
    const { revision = 1, limits } = (await keys.get(kid)) ?? {};
    const [first] = limits?.budgets ?? [];
    if (limits === undefined || first === undefined) throw new Error('the key has no budget');
    await keys.update(kid, revision, { limits: { ...limits, budgets: [first, { ...first, nanoUsd: 1e9 }] } });
    const changed = await admin.client.call('keys.update', { params: { kid }, body: { limits: { concurrency: 2 } } });
    expect(changed.limits).toMatchObject({ concurrency: 2, budgets: [{ usd: 5 }, { usd: 1 }] });
  });

  test('one by one they are fine, and so is a limit that is tighter for a shorter time', async () => {
    const { limits } = await create({ requestsPerSecond: 1, requestsPerMinute: 60, requestsPerDay: 60 });
    expect(limits).toMatchObject({ requestsPerSecond: 1, requestsPerMinute: 60, requestsPerDay: 60 });
  });
});

describe('a budget', () => {
  test('is shown as it was set, to the billionth of a dollar, with what was left out', async () => {
    const { limits } = await create({ budgets: [{ usd: 12.345_678_901, period: 'month', timeZone: 'Europe/Berlin' }] });
    expect(limits.budgets).toEqual([
      { usd: 12.345_678_901, period: 'month', window: 'calendar', timeZone: 'Europe/Berlin', kind: 'hard' },
    ]);
  });

  test.each([
    [{ usd: 0, period: 'day' }],
    [{ usd: -1, period: 'day' }],
    [{ usd: 1e10, period: 'day' }],
    [{ usd: 1, period: 'decade' }],
    [{ usd: 1, period: 'day', timeZone: 'Mars/Olympus' }],
    [{ usd: 1, period: 'total', window: 'rolling' }],
    [{ usd: 1, period: 'day', spend: 'wisely' }],
  ])('is refused when it is none: %j', async (budget) => {
    expect(await refusal(create({ budgets: [budget] }))).toMatchObject({ status: 422, code: 'validation_failed' });
  });

  test('that is burnt evenly is foreseen to end when it does, within a fifth of the time', async () => {
    const { kid } = await create({ budgets: [{ usd: 1, period: 'total' }] });
    // 0.002 USD a minute over 30 minutes; nothing is counted in the counters of this fixture, so all of it is left.
    const rows = Array.from({ length: 30 }, (_, minute) =>
      callRow(admin.workspaceId, {
        requestId: `req_${minute}`,
        kid,
        startedAtMs: admin.clock.nowMs - minute * MINUTE_MS - 1,
        costNanoUsd: 2_000_000,
      }),
    );
    await admin.calls.write(rows);
    const { items } = await admin.client.call('keys.limits', { params: { kid } });
    const exhaustedMs = Date.parse(items[0]?.exhaustedAt ?? '') - admin.clock.nowMs;
    expect(exhaustedMs).toBeGreaterThan(500 * MINUTE_MS * 0.8);
    expect(exhaustedMs).toBeLessThan(500 * MINUTE_MS * 1.2);
  });

  test('that begins anew before it would be used up is not foreseen to end', async () => {
    const { kid } = await create({ budgets: [{ usd: 1000, period: 'hour' }] });
    await admin.calls.write([callRow(admin.workspaceId, { kid, startedAtMs: admin.clock.nowMs - 1, costNanoUsd: 1 })]);
    const { items } = await admin.client.call('keys.limits', { params: { kid } });
    expect(items).toMatchObject([{ name: 'budget', limit: 1e12, exhaustedAt: null }]);
  });
});

describe('the pool of temporary keys', () => {
  const mint = (kid: string, ttl: string) => admin.client.call('keys.mint', { params: { kid }, body: { ttl } });
  const pool = (kid: string) => admin.client.call('keys.pool', { params: { kid } });

  test('tells what is in use, what is free, and when the next place is', async () => {
    const { kid } = await create({});
    await admin.client.call('keys.delegation', { params: { kid }, body: { mintLiveMax: 10 } });
    for (const ttl of ['10m', '20m', '30m']) await mint(kid, ttl);
    expect(await pool(kid)).toMatchObject({ pool: kid, limit: 10, live: 3, free: 7, mintedLastHour: 3, state: 'ok' });
    admin.clock.nowMs += 10 * MINUTE_MS;
    expect(await pool(kid)).toMatchObject({ live: 2, free: 8, endedLastHour: 1 });
    expect(Date.parse((await pool(kid)).soonestRecovery ?? '')).toBe(admin.clock.nowMs + 10 * MINUTE_MS);
  });

  test('that fills evenly is foreseen to be full when it is, within a fifth of the time', async () => {
    const { kid } = await create({});
    await admin.client.call('keys.delegation', { params: { kid }, body: { mintLiveMax: 240 } });
    const startedMs = admin.clock.nowMs;
    for (let minute = 0; minute < 60; minute += 1) {
      await mint(kid, '12h');
      admin.clock.nowMs = startedMs + (minute + 1) * MINUTE_MS;
    }
    const fullMs = Date.parse((await pool(kid)).fullAt ?? '') - admin.clock.nowMs;
    expect(fullMs).toBeGreaterThan(180 * MINUTE_MS * 0.8);
    expect(fullMs).toBeLessThan(180 * MINUTE_MS * 1.2);
  });

  test('is full, critical, or to be warned of by how much of it is in use', async () => {
    const { kid } = await create({});
    await admin.client.call('keys.delegation', { params: { kid }, body: { mintLiveMax: 20 } });
    const states: string[] = [];
    for (let count = 1; count <= 20; count += 1) {
      await mint(kid, '10m');
      states.push((await pool(kid)).state);
    }
    expect(states.slice(0, 15).every((state) => state === 'ok')).toBe(true);
    expect(states.slice(15)).toEqual(['warning', 'warning', 'warning', 'critical', 'full']);
  });
});
