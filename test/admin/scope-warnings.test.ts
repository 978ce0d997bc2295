import { afterEach, beforeEach, expect, test } from 'vitest';
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
