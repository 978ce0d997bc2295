import type { Selectable } from 'kysely';
import type { SubscriptionRow, SubscriptionStore } from '../admin/owner-stores.ts';
import { requireRow } from './affected.ts';
import { CorruptColumnError } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { SubscriptionsTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** What the applications of one workspace asked to call. */
export function createSubscriptionStore(db: WorkspaceDb): SubscriptionStore {
  return {
    insert: async (row) => {
      await db
        .insertInto('subscriptions')
        .values({
          id: row.id,
          application_id: row.applicationId,
          kind: row.kind,
          name: row.name,
          state: row.state,
          state_reason: row.stateReason,
          requested_by: row.requestedBy,
          decided_by: row.decidedBy,
          created_at_ms: row.createdAtMs,
          updated_at_ms: row.updatedAtMs,
        })
        .execute();
    },

    get: async (id) => {
      const row = await db.selectFrom('subscriptions').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    ofApplication: async (applicationId) => {
      const rows = await db
        .selectFrom('subscriptions')
        .selectAll()
        .where('application_id', '=', applicationId)
        .orderBy('updated_at_ms', 'desc')
        .orderBy('id', 'desc')
        .execute();
      return rows.map((row) => read(row));
    },

    all: async () => {
      const query = db.selectFrom('subscriptions').selectAll().orderBy('updated_at_ms', 'desc').orderBy('id', 'desc');
      return (await query.execute()).map((row) => read(row));
    },

    list: async ({ cursor, limit }, { applicationId, state }) => {
      let query = db.selectFrom('subscriptions').selectAll().orderBy('created_at_ms', 'desc').orderBy('id', 'desc');
      if (applicationId !== undefined) query = query.where('application_id', '=', applicationId);
      if (state !== undefined) query = query.where('state', '=', state);
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at_ms', 'id'), '<', tuple(position, id)));
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.created_at_ms, id: row.id }));
    },

    update: async (id, { state, stateReason, decidedBy, updatedAtMs }) => {
      const query = db
        .updateTable('subscriptions')
        .set({ state, state_reason: stateReason, decided_by: decidedBy, updated_at_ms: updatedAtMs })
        .where('id', '=', id);
      requireRow((await query.executeTakeFirst()).numUpdatedRows);
    },
  };
}

function read(row: Selectable<SubscriptionsTable>): SubscriptionRow {
  return {
    id: row.id,
    applicationId: row.application_id,
    kind: readKind(row.kind),
    name: row.name,
    state: readSubscriptionState(row.state),
    stateReason: row.state_reason,
    requestedBy: row.requested_by,
    decidedBy: row.decided_by,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function readKind(text: string): SubscriptionRow['kind'] {
  if (text === 'model' || text === 'service') return text;
  throw new CorruptColumnError('subscriptions.kind');
}

function readSubscriptionState(text: string): SubscriptionRow['state'] {
  if (text === 'pending' || text === 'approved' || text === 'rejected' || text === 'ended') return text;
  throw new CorruptColumnError('subscriptions.state');
}
