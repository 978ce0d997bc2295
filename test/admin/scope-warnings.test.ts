import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../src/admin/constraint-fields.ts';
import { OPERATION_CLASSES } from '../../src/llm/dialect.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { createAdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const call: AdminFixture['client']['call'] = (...input) => admin.client.call(...input);

test.each<[scopes: object, warning: string | null]>([
  [{ models: ['sandbox/echo', 'filealias', 'filehouse/*'] }, null],
  [{ models: ['sandbox/echo', 'sandbox/ecko'] }, 'scopes.models[1] names no model or alias that is known here'],
  [{ models: ['fast'] }, 'scopes.models[0] names no model or alias that is known here: fast'],
  [{ models: ['nobody/tiny'] }, 'scopes.models[0] names the provider nobody, which is not there'],
  [{ models: ['sandbox/gpt-*'] }, 'scopes.models[0] matches no model or alias that is known here'],
  [{ services: ['weather'] }, 'scopes.services[0] names a service that the application'],
  [{ operations: ['chat'] }, null],
  [{ countries: ['DE', 'GB', 'XK'], endpoints: ['GET /anything/*'], tools: ['anything'] }, null],
  [{ countries: ['DE', 'UK'] }, 'scopes.countries[1] names no country of ISO 3166-1: UK'],
  [{ countries: ['QQ'] }, 'scopes.countries[0] names no country of ISO 3166-1: QQ'],
  [{ countries: ['ZZ'] }, 'scopes.countries[0] names no country of ISO 3166-1: ZZ'],
])('a key whose scopes are %j is warned about: %s', async (scopes, warning) => {
  const made = await call('keys.create', { body: { name: 'k', scopes } });
  expect(made.warnings).toEqual(warning === null ? [] : [expect.stringContaining(warning)]);

  const { kid } = await call('keys.create', { body: { name: 'k' } });
  const changed = await call('keys.update', { params: { kid }, body: { scopes } });
  expect(changed.warnings).toEqual(made.warnings);
  if (warning === null) return;
  const attempts = [
    call('keys.create', { body: { name: 'strict', scopes }, query: { strict: true } }),
    call('keys.update', { params: { kid }, body: { name: 'strict', scopes }, query: { strict: true } }),
  ];
  for (const attempt of attempts) {
    expect(await refusal(attempt)).toMatchObject({ status: 422, fields: [{ field: warning.split(' ')[0] }] });
  }
  expect((await call('keys.list', { query: { search: 'strict' } })).items).toEqual([]);
});

type Scoped = 'mint' | 'application' | 'team' | 'workspace';
/** Makes one with scopes, and changes the scopes of another. */
const WAYS: Readonly<Record<Scoped, (scopes: object, query: object) => Promise<readonly Promise<Warned>[]>>> = {
  mint: async (scopes, query) => {
    const { kid } = await call('keys.create', { body: { name: 'parent' } });
    return [call('keys.mint', { params: { kid }, body: { scopes }, query })];
  },
  application: async (scopes, query) => {
    const body = { name: 'shop', subscribedModels: ['sandbox/*'] };
    const { id } = await call('applications.create', { body });
    return [
      call('applications.create', { body: { ...body, scopes }, query }),
      call('applications.update', { params: { id }, body: { scopes }, query }),
    ];
  },
  team: async (scopes, query) => {
    const { id } = await call('teams.create', { body: { name: 'search' } });
    return [
      call('teams.create', { body: { name: 'search', scopes }, query }),
      call('teams.update', { params: { id }, body: { scopes }, query }),
    ];
  },
  workspace: async (scopes, query) => [
    call('workspaces.create', { body: { name: 'tenant', scopes }, query }),
    call('workspaces.update', { params: { id: admin.workspaceId }, body: { scopes }, query }),
  ],
};
interface Warned {
  readonly warnings: readonly string[];
}

describe.each(Object.entries(WAYS))('%s', (_name, attempts) => {
  test.each<[scopes: object, warning: string | null]>([
    [{ models: ['sandbox/echo'], countries: ['DE'] }, null],
    [{ models: ['sandbox/ecko'] }, 'scopes.models[0] names no model or alias that is known here: sandbox/ecko'],
    [{ models: ['nobody/tiny'] }, 'scopes.models[0] names the provider nobody, which is not there'],
    [{ countries: ['QQ'] }, 'scopes.countries[0] names no country'],
  ])('with the scopes %j is warned about: %s', async (scopes, warning) => {
    for (const { warnings } of await Promise.all(await attempts(scopes, {}))) {
      expect(warnings).toEqual(warning === null ? [] : [expect.stringContaining(warning)]);
    }
    for (const attempt of await attempts(scopes, { strict: true })) {
      if (warning === null) expect((await attempt).warnings).toEqual([]);
      else expect(await refusal(attempt)).toMatchObject({ status: 422, fields: [{ field: warning.split(' ')[0] }] });
    }
  });

  test('with an operation that nobody knows is refused, and told which there are', async () => {
    for (const attempt of await attempts({ operations: ['chat', 'chatt'] }, {})) {
      expect(await refusal(attempt)).toMatchObject({
        status: 422,
        fields: [{ field: 'scopes.operations[1]', message: `must be one of ${OPERATIONS.join(', ')}` }],
      });
    }
  });
});

test('what a strict change is refused for is not stored', async () => {
  const { id } = await call('teams.create', { body: { name: 'search' } });
  const body = { name: 'other', scopes: { models: ['nobody/x'] } };
  await refusal(call('teams.update', { params: { id }, body, query: { strict: true } }));
  await refusal(call('teams.create', { body, query: { strict: true } }));
  expect(await call('teams.list')).toMatchObject({ items: [{ name: 'search', scopes: { models: null } }] });
});

test('the operations that scopes may name are those that the gateway tells apart', () => {
  expect([...OPERATIONS].toSorted()).toEqual([...new Set(Object.values(OPERATION_CLASSES))].toSorted());
});

test('a model that the application is not subscribed to is warned about', async () => {
  const { id } = await call('applications.create', { body: { name: 'shop', subscribedModels: ['filehouse/*'] } });
  const body = { name: 'k', applicationId: id, scopes: { models: ['sandbox/echo', 'filehouse/tiny'] } };
  const { warnings } = await call('keys.create', { body });
  expect(warnings).toEqual([`scopes.models[0] names what the application ${id} is not subscribed to: sandbox/echo.`]);
});

test('a key that nothing can be called with is warned about, with the code', async () => {
  const { id } = await call('applications.create', { body: { name: 'shop', subscribedModels: ['*'] } });
  await call('applications.update', { params: { id }, body: { state: 'disabled' } });
  const { warnings } = await call('keys.create', { body: { name: 'k', applicationId: id } });
  expect(warnings).toEqual([expect.stringContaining('application_disabled')]);
  expect(
    await refusal(call('keys.create', { body: { name: 'k', applicationId: id }, query: { strict: true } })),
  ).toMatchObject({ status: 422, fields: [{ field: 'applicationId' }] });
});
