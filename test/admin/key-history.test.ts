import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { START_MS, createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const DAY_MS = 86_400_000;
const requestId = (place: number): string => `req_${String(place).padStart(8, '0')}`;

async function timelineOf(kid: string, limit: number) {
  const entries = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof readPage>> = await readPage(kid, limit, cursor);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    entries.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return entries;
}

function readPage(kid: string, limit: number, cursor: string | null) {
  return admin.client.call('keys.timeline', {
    params: { kid },
    query: { limit, ...(cursor === null ? {} : { cursor }) },
  });
}

describe('the timeline of a key', () => {
  test('holds every call and every change exactly once, newest first, whatever the size of a page', async () => {
    const { kid } = await admin.client.call('keys.create', { body: { name: 'busy' } });
    const outcomes = fc.sample(fc.constantFrom('ok', 'ok', 'ok', 'model_denied', 'rate_limited'), 300);
    const made = outcomes.map((code, i) =>
      callRow(admin.workspaceId, {
        ...{
          workspaceId: admin.workspaceId,
          kid,
          requestId: requestId(i + 1),
          code,
          status: code === 'ok' ? 200 : 403,
        },
        startedAtMs: START_MS + 10 + i * 1_000_000,
      }),
    );
    await admin.calls.write(made);
    for (const place of [50, 51, 200]) {
      admin.clock.nowMs = START_MS + 500 + place * 1_000_000;
      await admin.client.call('keys.update', { params: { kid }, body: { name: `name ${place}` } });
    }
    for (const limit of [1, 7, 500]) {
      const entries = await timelineOf(kid, limit);
      const runs = entries.filter(({ kind }) => kind === 'calls');
      expect(runs.reduce((sum, { count }) => sum + count, 0)).toBe(300);
      expect(runs.flatMap(({ code, count }) => Array.from({ length: count }, () => code)).toReversed()).toEqual(
        outcomes,
      );
      expect(entries.filter(({ kind }) => kind === 'change').map(({ action }) => action)).toEqual([
        'keys.update',
        'keys.update',
        'keys.update',
        'keys.create',
      ]);
      const times = entries.map(({ at }) => Date.parse(at));
      expect(times).toEqual(times.toSorted((a, b) => b - a));
      expect(entries.find(({ action }) => action === 'keys.update')?.changed).toEqual(['name']);
    }
  });

  test('shows no call of another workspace, and nothing of a key that is not there', async () => {
    const { kid } = await admin.client.call('keys.create', { body: { name: 'ours' } });
    await admin.calls.write([callRow(admin.workspaceId, { workspaceId: 'ws_other', kid, requestId: requestId(1) })]);
    expect((await timelineOf(kid, 10)).map(({ kind }) => kind)).toEqual(['change']);
    for (const id of ['keys.timeline', 'keys.exposure'] as const) {
      expect(await refusal(admin.client.call(id, { params: { kid: 'AAAAAAAAAAAA' } }))).toMatchObject({ status: 404 });
    }
  });

  test('refuses a cursor that it did not give out', async () => {
    const { kid } = await admin.client.call('keys.create', { body: { name: 'ours' } });
    expect(await refusal(readPage(kid, 10, 'nonsense'))).toMatchObject({ status: 422 });
  });
});

describe('the exposure of a key', () => {
  test('is what it did since the moment, by every property, with the addresses that are new', async () => {
    const { kid } = await admin.client.call('keys.create', { body: { name: 'stolen' } });
    const since = START_MS - 2 * DAY_MS;
    const row = { workspaceId: admin.workspaceId, kid };
    await admin.calls.write([
      callRow(admin.workspaceId, {
        ...row,
        requestId: requestId(1),
        startedAtMs: since - 1,
        clientAddress: '10.0.0.1',
        inputTokens: 999,
      }),
      callRow(admin.workspaceId, {
        ...row,
        requestId: requestId(2),
        startedAtMs: since,
        clientAddress: '10.0.0.1',
        inputTokens: 5,
        outputTokens: 1,
      }),
      callRow(admin.workspaceId, {
        ...{
          ...row,
          requestId: requestId(3),
          startedAtMs: since + DAY_MS,
          clientAddress: '203.0.113.9',
          country: 'FR',
        },
        ...{ session: 's1', inputTokens: 7, outputTokens: 2, costNanoUsd: 40, path: '/v1/embeddings', model: 'large' },
      }),
      callRow(admin.workspaceId, {
        ...row,
        requestId: requestId(4),
        startedAtMs: START_MS,
        clientAddress: '203.0.113.9',
        code: 'revoked',
        status: 401,
        inputTokens: null,
        outputTokens: null,
        provider: null,
        model: null,
      }),
      callRow(admin.workspaceId, {
        ...row,
        workspaceId: 'ws_other',
        requestId: requestId(5),
        startedAtMs: START_MS,
        clientAddress: '192.0.2.1',
      }),
      callRow(admin.workspaceId, {
        ...row,
        kid: 'BBBBBBBBBBBB',
        requestId: requestId(6),
        startedAtMs: START_MS,
        clientAddress: '192.0.2.2',
      }),
    ]);
    const told = await admin.client.call('keys.exposure', {
      params: { kid },
      query: { since: new Date(since).toISOString() },
    });
    expect(told.total).toEqual({
      ...{ value: '', calls: 3, failedCalls: 1, inputTokens: 12, outputTokens: 3, costNanoUsd: 40 },
      ...{ firstAt: new Date(since).toISOString(), lastAt: new Date(START_MS).toISOString() },
    });
    expect(told.newAddresses).toEqual(['203.0.113.9']);
    const counted = (uses: readonly { readonly value: string; readonly calls: number }[]) =>
      uses.map(({ value, calls }) => `${value}: ${calls}`);
    expect(counted(told.addresses)).toEqual(['203.0.113.9: 2', '10.0.0.1: 1']);
    expect(counted(told.models).toSorted()).toEqual(['sandbox/echo: 2', 'sandbox/large: 1']);
    expect(counted(told.endpoints)).toEqual(['POST /v1/chat/completions: 2', 'POST /v1/embeddings: 1']);
    expect(counted(told.countries)).toEqual([': 2', 'FR: 1']);
    expect(counted(told.sessions)).toEqual([': 2', 's1: 1']);
    expect(counted(told.outcomes)).toEqual(['ok: 2', 'revoked: 1']);
  });

  test('is nothing for a key that made no call, and asks for a moment that can be', async () => {
    const { kid } = await admin.client.call('keys.create', { body: { name: 'idle' } });
    const exposure = (since?: string) =>
      admin.client.call('keys.exposure', { params: { kid }, query: since === undefined ? {} : { since } });
    expect(await exposure()).toMatchObject({ total: null, addresses: [], newAddresses: [] });
    expect(await refusal(exposure('2031-01-01T00:00:00Z'))).toMatchObject({
      status: 422,
      fields: [{ field: 'since' }],
    });
    expect(await refusal(exposure('2001-01-01T00:00:00Z'))).toMatchObject({
      status: 422,
      fields: [{ field: 'since' }],
    });
  });
});
