import type { Selectable } from 'kysely';
import type { AliasRow, AliasStore } from '../admin/stores.ts';
import { requireRow } from './affected.ts';
import { readFields, readJson, readList } from './columns.ts';
import type { AliasesTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Model aliases of one workspace. */
export function createAliasStore(db: WorkspaceDb): AliasStore {
  return {
    insert: async ({ id, createdAtMs, updatedAtMs, ...config }) => {
      await db
        .insertInto('aliases')
        .values({ id, ...write(config), created_at_ms: createdAtMs, updated_at_ms: updatedAtMs })
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

    update: async (id, config, updatedAtMs) => {
      const result = await db
        .updateTable('aliases')
        .set({ ...write(config), updated_at_ms: updatedAtMs })
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

type AliasConfig = Omit<AliasRow, 'id' | 'createdAtMs' | 'updatedAtMs'>;

function write({ targets, ...settings }: AliasConfig) {
  return { targets: JSON.stringify(targets), settings: JSON.stringify(settings) };
}

function read(row: Selectable<AliasesTable>): AliasRow {
  const settings = readFields(readJson(row.settings, 'aliases.settings'), 'aliases.settings');
  const config = { ...settings, targets: readList(row.targets, 'aliases.targets') };
  // Written by this program, from what the schema of aliases let through.
  return { ...(config as AliasConfig), id: row.id, createdAtMs: row.created_at_ms, updatedAtMs: row.updated_at_ms };
}
