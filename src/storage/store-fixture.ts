/** Rows and folders for the tests of this folder. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AdminTokenRow } from '../admin/access-stores.ts';
import type { MembershipRow, PersonRow, SubscriptionRow, TeamRow } from '../admin/owner-stores.ts';
import type { ApplicationRow, AuditRow, CredentialRow, KeyRow, ProviderRow, WorkspaceRow } from '../admin/stores.ts';
import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';
import { UNNARROWED } from '../keys/owners.ts';
import { openStore } from './store.ts';
import type { SqliteStore } from './store.ts';

export const NOW_MS = Date.UTC(2026, 10, 8, 12);
export const clock = { now: () => NOW_MS };

/** A folder that is gone after the test. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A store on a real file with the workspaces `ws_a` and `ws_b`, closed after the test. */
export async function openTestStore(): Promise<SqliteStore> {
  const dataDir = tempFolder();
  const store = openStore({ dataDir, masterKey: randomBytes(32), clock });
  onTestFinished(() => store.close());
  for (const id of ['ws_a', 'ws_b']) {
    await store.workspaces.insert(workspaceRow({ id }));
  }
  return store;
}

/** Every byte of every file in a folder and the folders in it, the lock file left out: reading it would release it. */
export function folderBytes(folder: string): ReadonlyMap<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((file) => file.isFile() && file.name !== 'keyward.lock')
      .map((file) => join(file.parentPath, file.name))
      .toSorted()
      .map((path) => [path, readFileSync(path)]),
  );
}

export function workspaceRow(row: Partial<WorkspaceRow> & { readonly id: string }): WorkspaceRow {
  return {
    name: row.id,
    state: 'active',
    ...UNNARROWED,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    deletedAtMs: null,
    ...row,
  };
}

export function subscriptionRow(
  row: Partial<SubscriptionRow> & Pick<SubscriptionRow, 'id' | 'applicationId'>,
): SubscriptionRow {
  return {
    ...{ kind: 'model', name: '*', state: 'pending', stateReason: null, requestedBy: 'test', decidedBy: null },
    ...{ createdAtMs: NOW_MS, updatedAtMs: NOW_MS },
    ...row,
  };
}

export function adminTokenRow(kid: string, row: Partial<AdminTokenRow> = {}): AdminTokenRow {
  return {
    ...{ kid, name: kid, ownerId: null, state: 'active', stateReason: null, permissions: ['keys:read'] },
    ...{ addresses: null, secrets: [], notBeforeMs: null, expiresAtMs: null, revision: 1, createdAtMs: NOW_MS },
    ...{ createdBy: 'test', updatedAtMs: NOW_MS, revokedAtMs: null },
    ...row,
  };
}

export function personRow(row: Partial<PersonRow> & { readonly id: string }): PersonRow {
  return {
    name: row.id,
    email: null,
    state: 'active',
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    deletedAtMs: null,
    ...row,
  };
}

export function teamRow(row: Partial<TeamRow> & { readonly id: string }): TeamRow {
  return {
    name: row.id,
    state: 'active',
    ...UNNARROWED,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    deletedAtMs: null,
    ...row,
  };
}

export function membershipRow(row: Partial<MembershipRow> & Pick<MembershipRow, 'teamId' | 'personId'>): MembershipRow {
  return { role: 'member', state: 'active', createdAtMs: NOW_MS, updatedAtMs: NOW_MS, deletedAtMs: null, ...row };
}

export function applicationRow(row: Partial<ApplicationRow> & { readonly id: string }): ApplicationRow {
  return {
    name: `application ${row.id}`,
    state: 'active',
    subscribedModels: ['*'],
    subscribedServices: [],
    ownerId: null,
    teamId: null,
    ...UNNARROWED,
    isDefault: false,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    deletedAtMs: null,
    ...row,
  };
}

export function keyRow(row: Partial<KeyRow> & Pick<KeyRow, 'kid' | 'applicationId'>): KeyRow {
  return {
    type: 'kwk',
    parentKid: null,
    binding: null,
    ownerId: null,
    suspension: null,
    name: `key ${row.kid}`,
    environment: 'live',
    state: 'active',
    secrets: [{ hash: randomBytes(32).toString('latin1'), pepperVersion: 1, state: 'current', notAfterMs: null }],
    notBeforeMs: null,
    expiresAtMs: null,
    scopes: { ...NO_SCOPES, operations: ['chat'], addresses: [] },
    scopesSetAtMs: NOW_MS,
    limits: { ...NO_LIMITS, requestsPerMinute: 60 },
    delegation: null,
    tags: [],
    revision: 1,
    createdAtMs: NOW_MS,
    createdBy: 'tester',
    updatedAtMs: NOW_MS,
    revokedAtMs: null,
    stateReason: null,
    minting: null,
    ...row,
  };
}

export function providerRow(row: Partial<ProviderRow> & { readonly id: string }): ProviderRow {
  return {
    dialect: 'openai',
    baseUrl: 'http://127.0.0.1:9100/v1',
    state: 'active',
    models: ['tiny'],
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    ...row,
  };
}

export function credentialRow(row: Partial<CredentialRow> & { readonly id: string }): CredentialRow {
  return {
    providerId: 'openai',
    name: `credential ${row.id}`,
    weight: 1.5,
    priority: 2,
    models: ['gpt-*'],
    state: 'active',
    hint: '…cret',
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    ...row,
  };
}

export function auditRow(row: Partial<AuditRow> & { readonly id: string }): AuditRow {
  return {
    atMs: NOW_MS,
    actor: 'admin',
    action: 'keys.create',
    targetKind: 'key',
    targetId: 'k1',
    reason: null,
    before: null,
    after: { name: 'x' },
    requestId: 'req_1',
    clientAddress: '127.0.0.1',
    ...row,
  };
}
