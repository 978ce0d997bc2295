import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAdminApp } from '../../src/admin/server.ts';
import type { Store, WorkspaceStore } from '../../src/admin/stores.ts';
import { TOKEN, createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

/** The real store on a disk that takes no more audit entries. */
function withoutRoomForAudit(store: Store): Store {
  const broken = (workspace: WorkspaceStore): WorkspaceStore => ({
    ...workspace,
    audit: { ...workspace.audit, append: () => Promise.reject(new Error('SQLITE_FULL: secret-of-the-disk')) },
    transaction: (work) => workspace.transaction((tx) => work(broken(tx))),
  });
  return { ...store, workspace: (id) => broken(store.workspace(id)) };
}

test('a change whose audit entry cannot be written is not made, not published, and the cause stays inside', async () => {
  const app = createAdminApp({ ...admin.deps, store: withoutRoomForAudit(admin.store) });
  const answer = await app.request('http://localhost/api/v1/applications', {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: '{"name":"unaudited"}',
  });
  expect(answer.status).toBe(500);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ code: 'internal_error' });
  expect(text).not.toContain('SQLITE_FULL');
  expect((await admin.client.call('applications.list')).items.map(({ name }) => name)).not.toContain('unaudited');
  expect(admin.fleet.asked).toEqual([]);
  expect(admin.logged.join('\n')).toContain('an admin call failed');
});
