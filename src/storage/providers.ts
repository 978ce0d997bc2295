import type { Selectable, Updateable } from 'kysely';
import type { ProviderRow, ProviderStore } from '../admin/stores.ts';
import { requireRow } from './affected.ts';
import { readState, readStrings } from './columns.ts';
import type { ProvidersTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Providers that one workspace added or adjusted. */
export function createProviderStore(db: WorkspaceDb): ProviderStore {
  return {
    insert: async (row) => {
      await db
        .insertInto('providers')
        .values({
          id: row.id,
          dialect: row.dialect,
          base_url: row.baseUrl,
          state: row.state,
          models: JSON.stringify(row.models),
          created_at_ms: row.createdAtMs,
          updated_at_ms: row.updatedAtMs,
        })
        .execute();
    },

    get: async (id) => {
      const row = await db.selectFrom('providers').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    all: async () => {
      const rows = await db.selectFrom('providers').selectAll().orderBy('id').execute();
      return rows.map((row) => read(row));
    },

    update: async (id, patch) => {
      const changes = write(patch);
      if (Object.keys(changes).length === 0) return;
      const result = await db.updateTable('providers').set(changes).where('id', '=', id).executeTakeFirst();
      requireRow(result.numUpdatedRows);
    },

    delete: async (id) => {
      const result = await db.deleteFrom('providers').where('id', '=', id).executeTakeFirst();
      requireRow(result.numDeletedRows);
    },
  };
}

function read(row: Selectable<ProvidersTable>): ProviderRow {
  return {
    id: row.id,
    dialect: row.dialect,
    baseUrl: row.base_url,
    state: readState(row.state, 'providers.state'),
    models: readStrings(row.models, 'providers.models'),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function write(patch: Parameters<ProviderStore['update']>[1]): Updateable<ProvidersTable> {
  return {
    ...(patch.dialect !== undefined && { dialect: patch.dialect }),
    ...(patch.baseUrl !== undefined && { base_url: patch.baseUrl }),
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.models !== undefined && { models: JSON.stringify(patch.models) }),
    ...(patch.updatedAtMs !== undefined && { updated_at_ms: patch.updatedAtMs }),
  };
}
