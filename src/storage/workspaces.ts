import type { Kysely, Selectable, Transaction, Updateable } from 'kysely';
import type { WorkspaceRow, WorkspacesStore } from '../admin/stores.ts';
import { requireRow } from './affected.ts';
import { readState, readStoredLimits, readStoredScopes, writeConstraints } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { DataKeys } from './data-keys.ts';
import type { Tables, WorkspacesTable } from './schema.ts';
import { confine } from './workspace-plugin.ts';

/** Every workspace of the deployment, on a database or inside a transaction on it. */
export function createWorkspacesStore(db: Kysely<Tables> | Transaction<Tables>, dataKeys: DataKeys): WorkspacesStore {
  const find = async (id: string) => {
    const row = await db.selectFrom('workspaces').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : read(row);
  };
  return {
    list: async () => {
      const rows = await db
        .selectFrom('workspaces')
        .selectAll()
        .where('deleted_at_ms', 'is', null)
        .orderBy('created_at_ms')
        .orderBy('id')
        .execute();
      return rows.map((row) => read(row));
    },

    page: async ({ cursor, limit }, { deleted = false }) => {
      let query = db
        .selectFrom('workspaces')
        .selectAll()
        .where('deleted_at_ms', deleted ? 'is not' : 'is', null)
        .orderBy('created_at_ms', 'desc')
        .orderBy('id', 'desc');
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at_ms', 'id'), '<', tuple(position, id)));
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.created_at_ms, id: row.id }));
    },

    get: async (id) => {
      const row = await find(id);
      return row === null || row.deletedAtMs !== null ? null : row;
    },

    find,

    insert: (row) =>
      db.isTransaction
        ? insertWorkspace(db, row, dataKeys)
        : db.transaction().execute((trx) => insertWorkspace(trx, row, dataKeys)),

    update: async (id, patch) => {
      const changes = write(patch);
      if (Object.keys(changes).length === 0) return;
      const result = await db.updateTable('workspaces').set(changes).where('id', '=', id).executeTakeFirst();
      requireRow(result.numUpdatedRows);
    },
  };
}

async function insertWorkspace(trx: Kysely<Tables>, row: WorkspaceRow, dataKeys: DataKeys): Promise<void> {
  await trx
    .insertInto('workspaces')
    .values({
      id: row.id,
      name: row.name,
      state: row.state,
      scopes: writeConstraints(row.scopes),
      scopes_set_at_ms: row.scopesSetAtMs,
      limits: writeConstraints(row.limits),
      created_at_ms: row.createdAtMs,
      updated_at_ms: row.updatedAtMs,
      deleted_at_ms: row.deletedAtMs,
    })
    .execute();
  await dataKeys.create(confine(trx, row.id), row.id, row.createdAtMs);
}

function read(row: Selectable<WorkspacesTable>): WorkspaceRow {
  return {
    id: row.id,
    name: row.name,
    state: readState(row.state, 'workspaces.state'),
    scopes: readStoredScopes(row.scopes, 'workspaces.scopes'),
    scopesSetAtMs: row.scopes_set_at_ms,
    limits: readStoredLimits(row.limits, 'workspaces.limits'),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    deletedAtMs: row.deleted_at_ms,
  };
}

function write(patch: Parameters<WorkspacesStore['update']>[1]): Updateable<WorkspacesTable> {
  return {
    ...(patch.name !== undefined && { name: patch.name }),
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.scopes !== undefined && { scopes: writeConstraints(patch.scopes) }),
    ...(patch.scopesSetAtMs !== undefined && { scopes_set_at_ms: patch.scopesSetAtMs }),
    ...(patch.limits !== undefined && { limits: writeConstraints(patch.limits) }),
    ...(patch.updatedAtMs !== undefined && { updated_at_ms: patch.updatedAtMs }),
    ...(patch.deletedAtMs !== undefined && { deleted_at_ms: patch.deletedAtMs }),
  };
}
