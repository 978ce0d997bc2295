import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { WorkspaceStore } from '../admin/stores.ts';
import {
  applicationRow,
  clock,
  keyRow,
  NOW_MS,
  tempFolder,
  subscriptionRow,
  adminTokenRow as tokenRow,
  workspaceRow,
} from './store-fixture.ts';
import { openStore } from './store.ts';

describe('a database that is put back from a backup', () => {
  async function folderWith(work: (workspace: WorkspaceStore) => Promise<void>) {
    const dataDir = tempFolder();
    const masterKey = randomBytes(32);
    const open = () => openStore({ dataDir, masterKey, clock });
    const store = open();
    await store.workspaces.insert(workspaceRow({ id: 'ws_a' }));
    const workspace = store.workspace('ws_a');
    await workspace.applications.insert(applicationRow({ id: 'app_1' }));
    for (const kid of ['kid1', 'kid2', 'kid3']) await workspace.keys.insert(keyRow({ kid, applicationId: 'app_1' }));
    for (const kid of ['token1', 'token2']) await workspace.adminTokens.insert(tokenRow(kid));
    for (const id of ['sub_1', 'sub_2']) {
      await workspace.subscriptions.insert(
        subscriptionRow({ id, applicationId: 'app_1', name: id, state: 'approved' }),
      );
    }
    await store.close();
    const path = join(dataDir, 'keyward.sqlite');
    const backup = readFileSync(path);
    const later = open();
    await work(later.workspace('ws_a'));
    await later.close();
    writeFileSync(path, backup);
    const restored = open();
    onTestFinished(() => restored.close());
    return restored;
  }

  test('brings back to life no key that was revoked since, and no secret that was replaced', async () => {
    const restored = await folderWith(async (workspace) => {
      await workspace.keys.update('kid1', 1, {
        state: 'compromised',
        updatedAtMs: NOW_MS + 1,
        revokedAtMs: NOW_MS + 1,
      });
      const secret = {
        hash: 'n'.repeat(32),
        pepperVersion: 1,
        state: 'current',
        notAfterMs: null,
        generation: 2,
      } as const;
      await workspace.keys.update('kid2', 1, { secrets: [secret], updatedAtMs: NOW_MS + 1 });
    });
    expect(restored.endedAgain).toBe(2);
    expect(await restored.findKey('kid1')).toMatchObject({ state: 'compromised' });
    expect((await restored.findKey('kid2'))?.secrets.map(({ state }) => state)).toEqual(['superseded']);
    expect(await restored.findKey('kid3')).toMatchObject({ state: 'active', secrets: [{ state: 'current' }] });
  });

  test('brings back to life no admin token that was revoked since', async () => {
    const restored = await folderWith(async (workspace) => {
      await workspace.adminTokens.update({ ...tokenRow('token1'), state: 'revoked', updatedAtMs: NOW_MS + 1 });
    });
    expect(restored.endedAgain).toBe(1);
    expect((await restored.findAdminToken('token1'))?.row).toMatchObject({ state: 'revoked', revokedAtMs: NOW_MS + 1 });
    expect((await restored.findAdminToken('token2'))?.row).toMatchObject({ state: 'active' });
  });

  test('approves no subscription that was ended or rejected since', async () => {
    const decided = { stateReason: null, decidedBy: 'test', updatedAtMs: NOW_MS + 1 };
    const restored = await folderWith(async (workspace) => {
      await workspace.subscriptions.update('sub_1', { state: 'ended', ...decided });
      await workspace.subscriptions.update('sub_2', { state: 'ended', ...decided });
      await workspace.subscriptions.update('sub_2', { state: 'approved', ...decided });
    });
    expect(restored.endedAgain).toBe(1);
    const { subscriptions } = restored.workspace('ws_a');
    expect([await subscriptions.get('sub_1'), await subscriptions.get('sub_2')]).toMatchObject([
      { state: 'ended' },
      { state: 'approved' },
    ]);
  });

  test('enables and undeletes nobody, but leaves what was enabled again meanwhile', async () => {
    const restored = await folderWith(async (workspace) => {
      await workspace.applications.update('app_1', { state: 'disabled', updatedAtMs: NOW_MS + 1 });
    });
    expect(restored.endedAgain).toBe(1);
    expect(await restored.workspace('ws_a').applications.get('app_1')).toMatchObject({ state: 'disabled' });

    const calm = await folderWith(async (workspace) => {
      await workspace.applications.update('app_1', { state: 'disabled', updatedAtMs: NOW_MS + 1 });
      await workspace.applications.update('app_1', { state: 'active', updatedAtMs: NOW_MS + 2 });
    });
    expect(calm.endedAgain).toBe(0);
    expect(await calm.workspace('ws_a').applications.get('app_1')).toMatchObject({ state: 'active' });
  });
});
