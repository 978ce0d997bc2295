import type { CatalogueStore } from '../admin/stores.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Rows of one statement: SQLite allows 32,766 parameters. */
const ROWS_MAX = 1000;

/** Since when names are known in one workspace. */
export function createCatalogueStore(db: WorkspaceDb): CatalogueStore {
  return {
    all: async () => {
      const rows = await db.selectFrom('catalogue').select(['name', 'since_ms']).execute();
      return Object.fromEntries(rows.map((row) => [row.name, row.since_ms]));
    },

    add: async (names, sinceMs) => {
      for (let from = 0; from < names.length; from += ROWS_MAX) {
        const rows = names.slice(from, from + ROWS_MAX).map((name) => ({ name, since_ms: sinceMs }));
        await db.insertInto('catalogue').values(rows).execute();
      }
    },
  };
}
