import type { Selectable, Updateable } from 'kysely';
import type { TeamRow, TeamStore } from '../admin/owner-stores.ts';
import { requireRow } from './affected.ts';
import { readState, readStoredLimits, readStoredScopes, writeConstraints } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { TeamsTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Teams of one workspace. */
export function createTeamStore(db: WorkspaceDb): TeamStore {
  const find = async (id: string) => {
    const row = await db.selectFrom('teams').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : read(row);
  };
  return {
    insert: async (row) => {
      await db
        .insertInto('teams')
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
    },

    get: async (id) => {
      const row = await find(id);
      return row === null || row.deletedAtMs !== null ? null : row;
    },

    find,

    list: async ({ cursor, limit }, { deleted = false }) => {
      let query = db
        .selectFrom('teams')
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

    all: async () => {
      const rows = await db.selectFrom('teams').selectAll().where('deleted_at_ms', 'is', null).execute();
      return rows.map((row) => read(row));
    },

    update: async (id, patch) => {
      const changes = write(patch);
      if (Object.keys(changes).length === 0) return;
      const result = await db.updateTable('teams').set(changes).where('id', '=', id).executeTakeFirst();
      requireRow(result.numUpdatedRows);
    },
  };
}

function read(row: Selectable<TeamsTable>): TeamRow {
  return {
    id: row.id,
    name: row.name,
    state: readState(row.state, 'teams.state'),
    scopes: readStoredScopes(row.scopes, 'teams.scopes'),
    scopesSetAtMs: row.scopes_set_at_ms,
    limits: readStoredLimits(row.limits, 'teams.limits'),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    deletedAtMs: row.deleted_at_ms,
  };
}

function write(patch: Parameters<TeamStore['update']>[1]): Updateable<TeamsTable> {
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
