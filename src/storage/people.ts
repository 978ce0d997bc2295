import type { Selectable, Updateable } from 'kysely';
import type { PersonRow, PersonStore } from '../admin/owner-stores.ts';
import { requireRow } from './affected.ts';
import { readState } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { PeopleTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** People of one workspace. */
export function createPersonStore(db: WorkspaceDb): PersonStore {
  const find = async (id: string) => {
    const row = await db.selectFrom('people').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : read(row);
  };
  return {
    insert: async (row) => {
      await db
        .insertInto('people')
        .values({
          id: row.id,
          name: row.name,
          email: row.email,
          state: row.state,
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

    byEmail: async (email) => {
      const row = await db
        .selectFrom('people')
        .selectAll()
        .where('email', '=', email)
        .where('deleted_at_ms', 'is', null)
        .executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    list: async ({ cursor, limit }, { deleted = false }) => {
      let query = db
        .selectFrom('people')
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
      const rows = await db.selectFrom('people').selectAll().where('deleted_at_ms', 'is', null).execute();
      return rows.map((row) => read(row));
    },

    update: async (id, patch) => {
      const changes = write(patch);
      if (Object.keys(changes).length === 0) return;
      const result = await db.updateTable('people').set(changes).where('id', '=', id).executeTakeFirst();
      requireRow(result.numUpdatedRows);
    },
  };
}

function read(row: Selectable<PeopleTable>): PersonRow {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    state: readState(row.state, 'people.state'),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    deletedAtMs: row.deleted_at_ms,
  };
}

function write(patch: Parameters<PersonStore['update']>[1]): Updateable<PeopleTable> {
  return {
    ...(patch.name !== undefined && { name: patch.name }),
    ...(patch.email !== undefined && { email: patch.email }),
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.updatedAtMs !== undefined && { updated_at_ms: patch.updatedAtMs }),
    ...(patch.deletedAtMs !== undefined && { deleted_at_ms: patch.deletedAtMs }),
  };
}
