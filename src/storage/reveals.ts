import type { DatabaseSync } from 'node:sqlite';
import type { Selectable } from 'kysely';
import type { RevealRow, RevealStore } from '../admin/key-life-stores.ts';
import { damaged } from './data-keys.ts';
import type { DataKeys } from './data-keys.ts';
import { seal, unseal } from './envelope.ts';
import type { SealContext } from './envelope.ts';
import type { RevealsTable } from './key-life-schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

export interface RevealStoreOptions {
  readonly db: WorkspaceDb;
  readonly workspaceId: string;
  readonly dataKeys: DataKeys;
}

/** New secrets of one workspace that wait for their one reader, sealed with the workspace's data key. */
export function createRevealStore({ db, workspaceId, dataKeys }: RevealStoreOptions): RevealStore {
  const find = (id: string) => db.selectFrom('reveals').selectAll().where('id', '=', id).executeTakeFirst();

  return {
    insert: async (row, secret) => {
      const dataKey = await dataKeys.current(db, workspaceId);
      await db
        .insertInto('reveals')
        .values({
          id: row.id,
          kid: row.kid,
          hash: Buffer.from(row.hash, 'latin1').toString('base64'),
          pepper_version: row.pepperVersion,
          sealed: seal(dataKey.key, context(workspaceId, row.id), Buffer.from(secret)),
          data_key_version: dataKey.version,
          expires_at_ms: row.expiresAtMs,
          created_at_ms: row.createdAtMs,
          created_by: row.createdBy,
        })
        .execute();
    },

    get: async (id) => {
      const row = await find(id);
      return row === undefined ? null : read(row);
    },

    waiting: async (kid) => {
      const query = db.selectFrom('reveals').selectAll().where('kid', '=', kid).where('sealed', 'is not', null);
      const row = await query.orderBy('created_at_ms', 'desc').orderBy('id').executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    take: async (id, openedAtMs) => {
      const row = await find(id);
      if (row === undefined || row.sealed === null) return null;
      const dataKey = await dataKeys.current(db, workspaceId);
      const secret = unseal(dataKey.key, context(workspaceId, id), row.sealed);
      if (secret === null) throw damaged(`reveal ${id}`);
      const result = await db
        .updateTable('reveals')
        .set({ sealed: null, opened_at_ms: openedAtMs })
        .where('id', '=', id)
        .where('sealed', 'is not', null)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n ? secret.toString() : null;
    },

    eraseOf: async (kid) => {
      await db
        .updateTable('reveals')
        .set({ sealed: null })
        .where('kid', '=', kid)
        .where('sealed', 'is not', null)
        .execute();
    },

    eraseExpired: async (nowMs, limit) => {
      const rows = await db
        .selectFrom('reveals')
        .select(['id', 'kid'])
        .where('sealed', 'is not', null)
        .where('expires_at_ms', '<=', nowMs)
        .limit(limit)
        .execute();
      for (const { id } of rows) {
        await db.updateTable('reveals').set({ sealed: null }).where('id', '=', id).execute();
      }
      return rows.map(({ kid }) => kid);
    },

    prune: async (beforeMs) => {
      await db.deleteFrom('reveals').where('sealed', 'is', null).where('expires_at_ms', '<', beforeMs).execute();
    },
  };
}

/** The workspace of a reveal link, over all workspaces: whoever opens one has nothing but the token. */
export function createFindReveal(database: DatabaseSync): (id: string) => Promise<string | null> {
  const statement = database.prepare('select workspace_id from reveals where id = ?');
  return async (id) => {
    const found = statement.get(id)?.['workspace_id'];
    return typeof found === 'string' ? found : null;
  };
}

function context(workspaceId: string, recordId: string): SealContext {
  return { purpose: 'reveal', workspaceId, recordId, version: 1 };
}

function read(row: Selectable<RevealsTable>): RevealRow {
  return {
    id: row.id,
    kid: row.kid,
    hash: Buffer.from(row.hash, 'base64').toString('latin1'),
    pepperVersion: row.pepper_version,
    expiresAtMs: row.expires_at_ms,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    openedAtMs: row.opened_at_ms,
    sealed: row.sealed !== null,
  };
}
