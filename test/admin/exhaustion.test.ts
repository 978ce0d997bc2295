import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';
import { delegate } from './delegate.ts';
import { refusal } from './refusals.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

interface Received {
  readonly type: string;
  readonly data: { readonly kind: string };
}

let admin: AdminFixture;
let server: Server;
let received: Received[];
beforeEach(async () => {
  admin = await createAdminFixture();
  admin.settings.allowPrivateWebhooks = true;
  received = [];
  server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      received.push(JSON.parse(Buffer.concat(chunks).toString()) as Received);
      res.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  await admin.client.call('webhooks.create', {
    body: { name: 'alerts', url, events: ['alert.raised', 'alert.resolved'] },
  });
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await admin.dispose();
});

const createKey = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });
const alerts = async (query: object) => (await admin.client.call('alerts.list', { query })).items;
const pool = (kid: string) => admin.client.call('keys.pool', { params: { kid } });
const show = (kid: string) => admin.client.call('keys.get', { params: { kid } });
const mint = (kid: string, body: object = {}) => admin.client.call('keys.mint', { params: { kid }, body });

async function pass(timeMs: number): Promise<void> {
  admin.clock.nowMs += timeMs;
  await admin.runJobs();
}

/** How often the webhook was told of alerts of a kind, up and down. */
async function told(kind: string): Promise<{ readonly up: number; readonly down: number }> {
  await pass(5000);
  await pass(5000);
  const of = (type: string) => received.filter((event) => event.type === type && event.data.kind === kind).length;
  return { up: of('alert.raised'), down: of('alert.resolved') };
}

async function poolOf(liveMax: number): Promise<string> {
  const { kid } = await createKey();
  await admin.client.call('keys.delegation', { params: { kid }, body: { mintLiveMax: liveMax } });
  return kid;
}

describe('a pool of temporary keys', () => {
  test('that fills to its threshold raises exactly one alert, and exactly one recovery when it empties', async () => {
    const kid = await poolOf(20);
    const seen: unknown[] = [];
    for (let minted = 1; minted <= 20; minted += 1) {
      await mint(kid, { ttl: '2h' });
      await pass(MINUTE_MS);
      const severity = (await alerts({ kind: 'pool_filling' }))[0]?.severity;
      if (severity !== seen.at(-1)) seen.push(severity);
    }
    expect(seen).toEqual(['warning', 'critical']);
    expect(await told('pool_filling')).toEqual({ up: 1, down: 0 });
    for (let round = 0; round < 5; round += 1) await pass(40 * MINUTE_MS);
    expect(await told('pool_filling')).toEqual({ up: 1, down: 1 });
    expect(await alerts({ kind: 'pool_filling' })).toMatchObject([{ state: 'resolved', subjectId: kid }]);
  });

  test('is told full of delegated keys with limits of their own, too, until they end', async () => {
    const parent = await createKey();
    await admin.client.call('keys.delegation', { params: { kid: parent.kid }, body: { mintLiveMax: 2 } });
    for (let signed = 0; signed < 2; signed += 1) {
      const key = await delegate(admin, parent, { ttlSeconds: 600, limits: { requestsPerMinute: 5 } });
      await admin.client.call('keys.verify', { body: { key, take: true } });
    }
    await pass(MINUTE_MS);
    expect(await pool(parent.kid)).toMatchObject({ live: 0, delegated: { live: 2, free: 0 }, state: 'full' });
    expect(await alerts({ kind: 'pool_filling' })).toMatchObject([
      {
        severity: 'critical',
        subjectId: parent.kid,
        message: expect.stringContaining('2 of 2 delegated keys with limits of their own') as string,
      },
    ]);
    await pass(10 * MINUTE_MS);
    expect(await pool(parent.kid)).toMatchObject({ delegated: { live: 0, free: 2 }, state: 'ok' });
    expect(await told('pool_filling')).toEqual({ up: 1, down: 1 });
  });

  test('below its threshold raises none', async () => {
    const kid = await poolOf(20);
    for (let minted = 0; minted < 15; minted += 1) await mint(kid);
    await pass(MINUTE_MS);
    expect(await told('pool_filling')).toEqual({ up: 0, down: 0 });
  });
});

describe('a budget', () => {
  test('is told at 80 and 95 percent and when it is exhausted, in one alert, and once when it begins anew', async () => {
    const { kid } = await createKey({ limits: { budgets: [{ usd: 1, period: 'day' }] } });
    const seen: unknown[] = [];
    for (const nanoUsd of [790, 10, 140, 10, 50].map((part) => part * 1_000_000)) {
      await admin.spend(kid, nanoUsd);
      await pass(MINUTE_MS);
      const [alert] = await alerts({ kind: 'budget_used' });
      seen.push([alert?.severity, /is (used to \d+ %|exhausted)/.exec(alert?.message ?? '')?.[1]]);
    }
    expect(seen).toEqual([
      [undefined, undefined],
      ['warning', 'used to 80 %'],
      ['warning', 'used to 94 %'],
      ['critical', 'used to 95 %'],
      ['critical', 'exhausted'],
    ]);
    expect(await told('budget_used')).toEqual({ up: 1, down: 0 });
    await pass(DAY_MS);
    expect(await told('budget_used')).toEqual({ up: 1, down: 1 });
  });

  test.each(['application', 'team', 'workspace'] as const)(
    'of the %s that keys share is told in one alert about it, whichever of them spends, and once when it ends',
    async (level) => {
      const budgets = [{ usd: 1, period: 'day' as const }];
      const team = await admin.client.call('teams.create', { body: { name: 'Blue' } });
      const application = await admin.client.call('applications.create', { body: { name: 'Web', teamId: team.id } });
      const [operation, id] = (
        {
          application: ['applications.update', application.id],
          team: ['teams.update', team.id],
          workspace: ['workspaces.update', admin.workspaceId],
        } as const
      )[level];
      await admin.client.call(operation, { params: { id }, body: { limits: { budgets } } });
      const kids: string[] = [];
      for (let made = 0; made < 3; made += 1) kids.push((await createKey({ applicationId: application.id })).kid);
      const seen: unknown[] = [];
      for (const [index, part] of [790, 10, 150, 50].entries()) {
        await admin.spend(kids[index % kids.length] ?? '', part * 1_000_000);
        await pass(MINUTE_MS);
        const [alert, ...others] = await alerts({ kind: 'budget_used' });
        expect(others).toEqual([]);
        if (alert !== undefined) expect(alert).toMatchObject({ subjectKind: level, subjectId: id });
        seen.push([alert?.severity, /is (used to \d+ %|exhausted)/.exec(alert?.message ?? '')?.[1]]);
      }
      expect(seen).toEqual([
        [undefined, undefined],
        ['warning', 'used to 80 %'],
        ['critical', 'used to 95 %'],
        ['critical', 'exhausted'],
      ]);
      expect(await told('budget_used')).toEqual({ up: 1, down: 0 });
      await pass(DAY_MS);
      expect(await told('budget_used')).toEqual({ up: 1, down: 1 });
    },
  );

  test('is told from the percents that the operator set', async () => {
    admin.settings.budgetAlertPercents = [10];
    const { kid } = await createKey({ limits: { budgets: [{ usd: 1, period: 'total' }] } });
    await admin.spend(kid, 99_000_000);
    await pass(MINUTE_MS);
    expect(await alerts({ kind: 'budget_used' })).toEqual([]);
    await admin.spend(kid, 1_000_000);
    await pass(MINUTE_MS);
    expect(await alerts({ kind: 'budget_used' })).toMatchObject([{ severity: 'critical', subjectId: kid }]);
  });

  test('that will be exhausted before its end is told, and the alert ends when its use slows down', async () => {
    const { kid } = await createKey({ limits: { budgets: [{ usd: 1, period: 'day' }] } });
    // At noon: a dollar in ten hours, two hours before the day ends.
    await spentInLastHour(kid);
    await pass(1);
    expect(await alerts({ kind: 'budget_forecast' })).toMatchObject([{ subjectId: kid, state: 'open' }]);
    for (let round = 0; round < 10; round += 1) await pass(11 * MINUTE_MS);
    expect(await alerts({ kind: 'budget_forecast' })).toMatchObject([{ state: 'resolved' }]);
  });

  test('is foretold by the one of its budgets that ends first, and no longer once that moment has passed', async () => {
    const { kid } = await createKey({
      limits: {
        budgets: [
          { usd: 1, period: 'day' },
          { usd: 1000, period: 'month' },
        ],
      },
    });
    await spentInLastHour(kid);
    // A cent is left of the day's dollar: six minutes at ten cents an hour.
    await admin.spend(kid, 990_000_000);
    await pass(1);
    const soon = new Date(admin.clock.nowMs + 6 * MINUTE_MS).toISOString().slice(0, 16);
    const [told] = await alerts({ kind: 'budget_forecast' });
    expect(told).toMatchObject({ state: 'open' });
    expect(told?.message).toContain(soon);
    await admin.spend(kid, 10_000_000);
    await pass(11 * MINUTE_MS);
    expect(await alerts({ kind: 'budget_forecast' })).toMatchObject([{ state: 'resolved' }]);
  });
});

/** Ten cents, evenly. */
async function spentInLastHour(kid: string): Promise<void> {
  await admin.calls.write(
    Array.from({ length: 60 }, (_, minute) =>
      callRow(admin.workspaceId, {
        requestId: `req_${minute}`,
        kid,
        startedAtMs: admin.clock.nowMs - minute * MINUTE_MS - 1,
        costNanoUsd: 1_666_667,
      }),
    ),
  );
}

describe('a lease that was abandoned', () => {
  test('gives its place back, on every worker; one that was used is left to its holder', async () => {
    const kid = await poolOf(2);
    const used = await mint(kid, { ttl: '1h', reclaimIfUnusedFor: '5m' });
    const abandoned = await mint(kid, { ttl: '1h', reclaimIfUnusedFor: '5m' });
    admin.activity.observe([callRow(admin.workspaceId, { kid: used.kid, startedAtMs: admin.clock.nowMs })]);
    expect((await refusal(mint(kid))).code).toBe('keys_exhausted');
    await pass(4 * MINUTE_MS);
    expect(await pool(kid)).toMatchObject({ live: 2, reclaimed: 0 });
    admin.fleet.asked.length = 0;
    await pass(MINUTE_MS);
    expect(admin.fleet.asked).toEqual([abandoned.kid]);
    expect(await pool(kid)).toMatchObject({ live: 1, free: 1, reclaimed: 1 });
    expect([(await show(used.kid)).state, (await show(abandoned.kid)).state]).toEqual(['active', 'revoked']);
    const { items } = await admin.client.call('audit-events.list', { query: { targetId: abandoned.kid } });
    expect(items[0]).toMatchObject({ action: 'keys.reclaim', actor: 'system:reclaim' });
    await mint(kid);
  });

  test('needs half a minute at least', async () => {
    const { kid } = await createKey();
    expect((await refusal(mint(kid, { reclaimIfUnusedFor: '29s' }))).status).toBe(422);
  });
});

test('temporary keys that ended long ago are deleted, in batches, and no others', async () => {
  const { kid } = await createKey();
  const old: string[] = [];
  for (let minted = 0; minted < 450; minted += 1) old.push((await mint(kid, { ttl: '1h' })).kid);
  await pass(7 * DAY_MS);
  const young = await mint(kid, { ttl: '1h' });
  expect((await show(old[0] ?? '')).expired).toBe(true);
  await pass(2 * 60 * MINUTE_MS);
  expect((await refusal(show(old[0] ?? ''))).status).toBe(404);
  expect((await admin.client.call('keys.list', { query: { limit: 500 } })).items.map((item) => item.kid)).toEqual(
    expect.arrayContaining([kid, young.kid]) as unknown,
  );
  const left = await admin.client.call('keys.list', { query: { limit: 500 } });
  expect(left.items.filter((item) => old.includes(item.kid))).toEqual([]);
}, 30_000);

describe('the report of temporary keys', () => {
  test('equals the event log, also for keys that are gone', async () => {
    const parents = [await createKey(), await createKey()];
    const expected = new Map<string, object>();
    for (let index = 0; index < 6; index += 1) {
      const parent = parents[index % 2]?.kid ?? '';
      admin.clock.nowMs += 1000;
      const { kid, name } = await mint(parent, { name: `lease ${index}`, ttl: '10m' });
      const rows = Array.from({ length: index }, (_, call) =>
        callRow(admin.workspaceId, {
          requestId: `req_${index}_${call}`,
          kid,
          parentKid: parent,
          startedAtMs: admin.clock.nowMs + call,
          costNanoUsd: 1000 * call,
          inputTokens: 10,
          outputTokens: 5,
          code: call === 0 ? 'rate_limited' : 'ok',
          ...(call === 0 ? { provider: null, model: null } : {}),
        }),
      );
      await admin.calls.write(rows);
      expected.set(kid, {
        ...{ kid, name, parentKid: parent, mintedBy: 'token:test' },
        mintedAt: new Date(admin.clock.nowMs).toISOString(),
        ...{ calls: index, failedCalls: Math.min(index, 1), inputTokens: index * 10, outputTokens: index * 5 },
        costNanoUsd: 1000 * ([0, 0, 1, 3, 6, 10][index] ?? 0),
        usedFor: index > 1 ? [`sandbox/echo ×${index - 1}`] : [],
      });
    }
    admin.clock.nowMs += 1000;
    const read = async () => {
      const first = await admin.client.call('reports.temporary-keys', { query: { limit: 4 } });
      const second = await admin.client.call('reports.temporary-keys', {
        query: { limit: 4, cursor: first.next ?? '' },
      });
      return [...first.items, ...second.items];
    };
    const before = await read();
    expect(before).toMatchObject([...expected.values()].toReversed());
    await pass(8 * DAY_MS);
    expect((await refusal(show(before[0]?.kid ?? ''))).status).toBe(404);
    expect(await read()).toEqual(before);
  });

  test('is CSV for whoever asks for it, in which no cell is a formula', async () => {
    const { kid } = await createKey();
    const minted = await mint(kid, { name: '=HYPERLINK("https://x.example")' });
    const asked = [
      await admin.send('GET', '/api/v1/reports/temporary-keys?format=csv'),
      await admin.send('GET', '/api/v1/reports/temporary-keys', { headers: { accept: 'text/csv' } }),
    ];
    for (const answer of asked) {
      expect(answer.headers.get('content-type')).toMatch(/^text\/csv/);
      const [head, row] = (await answer.text()).split('\r\n');
      expect(head).toMatch(/^mintedAt,mintedBy,kid,name,parentKid/);
      expect(row).toContain(`token:test,${minted.kid},"'=HYPERLINK(""https://x.example"")",${kid}`);
    }
    const json = await admin.send('GET', '/api/v1/reports/temporary-keys?format=json', {
      headers: { accept: 'text/csv' },
    });
    expect(json.headers.get('content-type')).toBe('application/json');
  });
});
