import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const create = (body: object) =>
  admin.client.call('models.create', { body: { id: 'fast', targets: ['sandbox/echo'], ...body } });
const update = (alias: string, body: object) => admin.client.call('models.update', { params: { alias }, body });
const remove = (alias: string) => admin.client.call('models.delete', { params: { alias } });
const routingOf = async (id: string) => {
  const { items } = await admin.client.call('models.list', { query: { kind: 'alias', limit: 500 } });
  return items.find((item) => item.id === id)?.routing;
};

const ALL = {
  strategy: 'weighted',
  targets: [
    { model: 'openai/gpt-4o-mini', weight: 3, priority: 2, when: { tags: ['eu'], headers: { 'X-Team': 'blue-*' } } },
    'sandbox/echo',
  ],
  fallback: ['unavailable', 'context_too_long'],
  retries: 2,
  attemptsMax: 4,
  hedge: { afterMs: 800 },
  affinity: 'conversation',
  timeouts: { firstByteMs: 5_000, totalMs: 20_000 },
};

const SHOWN = {
  ...ALL,
  targets: [
    { model: 'openai/gpt-4o-mini', weight: 3, priority: 2, when: { tags: ['eu'], headers: { 'x-team': 'blue-*' } } },
    { model: 'sandbox/echo', weight: 1, priority: 1, when: null },
  ],
  timeouts: { firstByteMs: 5_000, idleMs: null, totalMs: 20_000 },
};

const PLAIN = {
  ...{ strategy: 'priority', fallback: ['unavailable', 'rate_limited'], retries: null, attemptsMax: 5 },
  ...{ hedge: null, affinity: 'session', timeouts: { firstByteMs: null, idleMs: null, totalMs: null } },
};

describe('an alias that is made through the API', () => {
  test('takes all that one of the file does, and shows it', async () => {
    const made = await create(ALL);
    expect(made).toMatchObject({ id: 'fast', targets: ['openai/gpt-4o-mini', 'sandbox/echo'], source: 'database' });
    expect(made.routing).toEqual(SHOWN);
    expect(await routingOf('fast')).toEqual(SHOWN);
    expect(await routingOf('filealias')).toMatchObject(PLAIN);
    expect(await routingOf('sandbox/echo')).toBeUndefined();
    const [event] = (await admin.client.call('audit-events.list', { query: { targetId: 'fast' } })).items;
    expect(event?.after).toMatchObject({ strategy: 'weighted', hedge: { afterMs: 800 } });
  });

  test('keeps what a change leaves out, and gets back what holds for all by null', async () => {
    await create(ALL);
    expect((await update('fast', { strategy: 'least-busy' })).routing).toEqual({ ...SHOWN, strategy: 'least-busy' });
    const targets = ['sandbox/echo'];
    expect(await update('fast', { targets })).toMatchObject({
      targets,
      routing: { retries: 2, strategy: 'least-busy' },
    });
    const cleared = Object.fromEntries(Object.keys(PLAIN).map((name) => [name, null]));
    expect((await update('fast', cleared)).routing).toMatchObject(PLAIN);
  });

  test('may be a pattern, and may name other aliases', async () => {
    await create({});
    expect(await create({ id: 'vendor/*', targets: ['openai/*', 'fast'] })).toMatchObject({ id: 'vendor/*' });
    expect(await update('vendor/*', { targets: ['filealias'] })).toMatchObject({ targets: ['filealias'] });
    expect(await remove('vendor/*')).toMatchObject({ id: 'vendor/*' });
  });

  test.each([
    [{ strategy: 'guess' }, 'strategy'],
    [{ retries: 11 }, 'retries'],
    [{ targets: [{ model: 'sandbox/echo', weight: 0 }] }, 'targets[0]'],
    [{ targets: ['nobody/x'] }, 'targets[0]'],
    [{ targets: ['sandbox/echo', { model: 'nobody/x' }] }, 'targets[1].model'],
    [{ targets: ['sandbox/*'] }, 'targets[0]'],
    [{ targets: ['no-alias'] }, 'targets[0]'],
    [{ targets: ['fast'] }, 'targets'],
    [{ surprise: true }, ''],
  ])('is refused with the field where it cannot be: %j', async (body, field) => {
    const refused = await refusal(create(body));
    expect([refused.status, refused.fields[0]?.field]).toEqual([422, expect.stringContaining(field) as string]);
    expect(await routingOf('fast')).toBeUndefined();
  });

  test('is not changed or deleted so that another one could not be used any more', async () => {
    await create({});
    await create({ id: 'best', targets: ['fast'] });
    expect(await refusal(remove('fast'))).toMatchObject({ status: 409 });
    expect((await refusal(update('fast', { targets: ['best'] }))).message).toContain('names itself');
    await remove('best');
    expect(await remove('fast')).toMatchObject({ id: 'fast' });
  });
});

test('aliases that were stored before they could say more mean the same as ever', async () => {
  const { workspaceId, store, clock } = admin;
  const times = { createdAtMs: clock.nowMs, updatedAtMs: clock.nowMs };
  await store.workspace(workspaceId).aliases.insert({ id: 'old', targets: ['sandbox/echo'], ...times });
  expect(await routingOf('old')).toMatchObject({ ...PLAIN, targets: [{ model: 'sandbox/echo', weight: 1 }] });
});
