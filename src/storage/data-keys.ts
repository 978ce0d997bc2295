import { randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { KEY_BYTES, seal, unseal } from './envelope.ts';
import type { SealContext } from './envelope.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

const WORKSPACES_REMEMBERED_MAX = 2000;
const FIRST_VERSION = 1;

export interface DataKey {
  readonly version: number;
  readonly key: Buffer;
}

/** The data keys of workspaces, wrapped by the master key where they are stored. */
export interface DataKeys {
  /** Makes the first data key of a new workspace. */
  create(db: WorkspaceDb, workspaceId: string, createdAtMs: number): Promise<void>;
  /** The data key that new secrets are sealed with. */
  current(db: WorkspaceDb, workspaceId: string): Promise<DataKey>;
}

/** Unwraps each data key once and remembers it, within a bound. */
export function createDataKeys(masterKey: Uint8Array): DataKeys {
  const known = new BoundedMap<string, DataKey>(WORKSPACES_REMEMBERED_MAX);
  return {
    create: async (db, workspaceId, createdAtMs) => {
      const wrapped = seal(masterKey, wrapContext(workspaceId, FIRST_VERSION), randomBytes(KEY_BYTES));
      await db
        .insertInto('data_keys')
        .values({ version: FIRST_VERSION, wrapped, created_at_ms: createdAtMs })
        .execute();
    },

    current: async (db, workspaceId) => {
      const remembered = known.get(workspaceId);
      if (remembered !== undefined) return remembered;
      const row = await db.selectFrom('data_keys').selectAll().orderBy('version', 'desc').executeTakeFirst();
      if (row === undefined) throw new AppError('not_found', { internal: `no data key for workspace ${workspaceId}` });
      const key = unseal(masterKey, wrapContext(workspaceId, row.version), row.wrapped);
      if (key === null) throw damaged(`data key ${row.version} of workspace ${workspaceId}`);
      const dataKey = { version: row.version, key };
      known.set(workspaceId, dataKey);
      return dataKey;
    },
  };
}

/** A sealed value that does not open under a master key that is right: it was changed or moved. */
export function damaged(what: string): AppError {
  return new AppError('configuration_error', { internal: `the ${what} cannot be decrypted: the record was altered` });
}

function wrapContext(workspaceId: string, version: number): SealContext {
  return { purpose: 'data-key', workspaceId, recordId: 'data-key', version };
}
