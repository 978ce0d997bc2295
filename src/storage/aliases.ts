import type { Selectable } from 'kysely';
import type { AliasRow, AliasStore } from '../admin/stores.ts';
import { requireRow } from './affected.ts';
import { readStrings } from './columns.ts';
import type { AliasesTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Model aliases of one workspace. */
export function createAliasStore(db: WorkspaceDb): AliasStore {
  return {
    insert: async (row) => {
      await db
        .insertInto('aliases')
        .values({
          id: row.id,
          targets: JSON.stringify(row.targets),
          created_at_ms: row.createdAtMs,
          updated_at_ms: row.updatedAtMs,
        })
        .execute();
    },

    get: async (id) => {
      const row = await db.selectFrom('aliases').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    all: async () => {
      const rows = await db.selectFrom('aliases').selectAll().orderBy('id').execute();
      return rows.map((row) => read(row));
    },

    update: async (id, targets, updatedAtMs) => {
      const result = await db
        .updateTable('aliases')
        .set({ targets: JSON.stringify(targets), updated_at_ms: updatedAtMs })
        .where('id', '=', id)
        .executeTakeFirst();
      requireRow(result.numUpdatedRows);
    },

    delete: async (id) => {
      const result = await db.deleteFrom('aliases').where('id', '=', id).executeTakeFirst();
      requireRow(result.numDeletedRows);
    },
  };
}

function read(row: Selectable<AliasesTable>): AliasRow {
  return {
    id: row.id,
    targets: readStrings(row.targets, 'aliases.targets'),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
