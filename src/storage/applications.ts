import type { Selectable, Updateable } from 'kysely';
import type { ApplicationRow, ApplicationStore } from '../admin/stores.ts';
import { requireRow } from './affected.ts';
import { readState, readStoredLimits, readStoredScopes, readStrings, writeConstraints } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { ApplicationsTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Applications of one workspace. */
export function createApplicationStore(db: WorkspaceDb): ApplicationStore {
  const find = async (id: string) => {
    const row = await db.selectFrom('applications').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : read(row);
  };
  return {
    insert: async (row) => {
      await db
        .insertInto('applications')
        .values({
          id: row.id,
          name: row.name,
          state: row.state,
          subscribed_models: JSON.stringify(row.subscribedModels),
          subscribed_services: JSON.stringify(row.subscribedServices),
          owner_id: row.ownerId,
          team_id: row.teamId,
          scopes: writeConstraints(row.scopes),
          scopes_set_at_ms: row.scopesSetAtMs,
          limits: writeConstraints(row.limits),
          is_default: row.isDefault ? 1 : 0,
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

    getDefault: async () => {
      const row = await db.selectFrom('applications').selectAll().where('is_default', '=', 1).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    list: async ({ cursor, limit }, { deleted = false }) => {
      let query = db
        .selectFrom('applications')
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
      const rows = await db
        .selectFrom('applications')
        .selectAll()
        .where('deleted_at_ms', 'is', null)
        .orderBy('created_at_ms')
        .orderBy('id')
        .execute();
      return rows.map((row) => read(row));
    },

    update: async (id, patch) => {
      const changes = write(patch);
      if (Object.keys(changes).length === 0) return;
      const result = await db.updateTable('applications').set(changes).where('id', '=', id).executeTakeFirst();
      requireRow(result.numUpdatedRows);
    },
  };
}

function read(row: Selectable<ApplicationsTable>): ApplicationRow {
  return {
    id: row.id,
    name: row.name,
    state: readState(row.state, 'applications.state'),
    subscribedModels: readStrings(row.subscribed_models, 'applications.subscribed_models'),
    subscribedServices: readStrings(row.subscribed_services, 'applications.subscribed_services'),
    ownerId: row.owner_id,
    teamId: row.team_id,
    scopes: readStoredScopes(row.scopes, 'applications.scopes'),
    scopesSetAtMs: row.scopes_set_at_ms,
    limits: readStoredLimits(row.limits, 'applications.limits'),
    isDefault: row.is_default === 1,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    deletedAtMs: row.deleted_at_ms,
  };
}

function write(patch: Parameters<ApplicationStore['update']>[1]): Updateable<ApplicationsTable> {
  return {
    ...(patch.name !== undefined && { name: patch.name }),
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.subscribedModels !== undefined && { subscribed_models: JSON.stringify(patch.subscribedModels) }),
    ...(patch.subscribedServices !== undefined && { subscribed_services: JSON.stringify(patch.subscribedServices) }),
    ...(patch.ownerId !== undefined && { owner_id: patch.ownerId }),
    ...(patch.teamId !== undefined && { team_id: patch.teamId }),
    ...(patch.scopes !== undefined && { scopes: writeConstraints(patch.scopes) }),
    ...(patch.scopesSetAtMs !== undefined && { scopes_set_at_ms: patch.scopesSetAtMs }),
    ...(patch.limits !== undefined && { limits: writeConstraints(patch.limits) }),
    ...(patch.isDefault !== undefined && { is_default: patch.isDefault ? 1 : 0 }),
    ...(patch.updatedAtMs !== undefined && { updated_at_ms: patch.updatedAtMs }),
    ...(patch.deletedAtMs !== undefined && { deleted_at_ms: patch.deletedAtMs }),
  };
}
