/** From what a program says about storage to one that is open, with what the engine is to know of it. */
import { randomBytes } from 'node:crypto';
import { firstApplication } from '../admin/first-application.ts';
import { readOwners } from '../admin/load-owners.ts';
import { newId } from '../admin/new-id.ts';
import type { ApplicationRow, Store, WorkspaceRow, WorkspaceStore } from '../admin/stores.ts';
import type { WorkspaceSnapshot } from '../config/snapshot.ts';
import { AppError } from '../errors.ts';
import { UNNARROWED } from '../keys/owners.ts';
import type { Pepper } from '../keys/secret-hash.ts';
import type { Clock } from '../lib/clock.ts';
import { dataPaths } from '../storage/data-folder.ts';
import { openEmbeddedStorage } from '../storage/embedded-storage.ts';
import { loadMasterKey, parseMasterKey } from '../storage/master-key.ts';
import { derivedPepper, sealedStorage } from '../storage/sealed-storage.ts';
import { openStore } from '../storage/store.ts';
import { createMemoryStorage } from './memory-storage.ts';
import type { KeywardStorage } from './storage-port.ts';

export interface OpenStorageOptions {
  readonly storage: string | KeywardStorage;
  readonly masterKey: Uint8Array | string | undefined;
  readonly clock: Clock;
}

export interface OpenedStorage {
  readonly storage: KeywardStorage;
  readonly peppers: readonly Pepper[];
  readonly workspace: WorkspaceSnapshot;
  /** What new keys belong to. */
  readonly applicationId: string;
  /** Where call records wait on disk while the storage fails; null: nowhere. */
  readonly spoolPath: string | null;
}

const IN_MEMORY = ':memory:';

export async function openStorage({ storage, masterKey, clock }: OpenStorageOptions): Promise<OpenedStorage> {
  const given = masterKey === undefined ? null : parseMasterKey(masterKey, 'masterKey');
  if (storage === IN_MEMORY) {
    const memory = createMemoryStorage({ workspaceId: PLAIN_WORKSPACE.id });
    return { storage: memory, peppers: [derivedPepper(given ?? randomBytes(32))], ...PLAIN };
  }
  if (typeof storage === 'string') return openFolder(storage, given, clock);
  if (given === null) {
    throw new AppError('validation_failed', {
      message: 'A storage of your own needs a masterKey: 32 bytes, or their base64, that real keys are sealed with.',
    });
  }
  return { storage: sealedStorage(storage, given), peppers: [derivedPepper(given)], ...PLAIN };
}

/** A workspace of which no storage knows more than that it is there. */
const PLAIN_APPLICATION = {
  ...UNNARROWED,
  id: 'app_embedded',
  state: 'active',
  ownerId: null,
  teamId: null,
  subscribedModels: ['*'],
  subscribedServices: ['*'],
} as const;

const PLAIN_WORKSPACE: WorkspaceSnapshot = {
  ...UNNARROWED,
  id: 'ws_embedded',
  state: 'active',
  applications: { [PLAIN_APPLICATION.id]: PLAIN_APPLICATION },
  people: {},
  teams: {},
  providers: {},
  aliases: {},
  catalogueSinceMs: {},
};

const PLAIN = { workspace: PLAIN_WORKSPACE, applicationId: PLAIN_APPLICATION.id, spoolPath: null } as const;

async function openFolder(dataDir: string, given: Uint8Array | null, clock: Clock): Promise<OpenedStorage> {
  const masterKey = given ?? loadMasterKey({ dataDir, env: process.env });
  const store = openStore({ dataDir, masterKey, clock });
  try {
    const { id } = await firstWorkspace(store, clock.now());
    const stores = store.workspace(id);
    const application = await defaultApplication(stores, clock.now());
    const owners = await readOwners(stores);
    if (owners === null) throw new AppError('workspace_disabled');
    return {
      storage: openEmbeddedStorage({ dataDir, store, workspaceId: id }),
      peppers: store.peppers(),
      workspace: { ...PLAIN_WORKSPACE, ...owners },
      applicationId: application.id,
      spoolPath: dataPaths.callSpool(dataDir),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function firstWorkspace({ workspaces }: Store, nowMs: number): Promise<WorkspaceRow> {
  const existing = (await workspaces.list())[0];
  if (existing !== undefined) return existing;
  const row: WorkspaceRow = {
    ...UNNARROWED,
    id: newId('ws', nowMs),
    name: 'Default',
    state: 'active',
    scopesSetAtMs: nowMs,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    deletedAtMs: null,
  };
  await workspaces.insert(row);
  return row;
}

async function defaultApplication({ applications }: WorkspaceStore, nowMs: number): Promise<ApplicationRow> {
  const existing = await applications.getDefault();
  if (existing !== null) return existing;
  const row = firstApplication(nowMs);
  await applications.insert(row);
  return row;
}
