import type { Selectable } from 'kysely';
import type { AuditRow, AuditStore } from '../admin/stores.ts';
import { readJson } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { AuditEventsTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** What was changed in one workspace, by whom: append-only, by triggers in the schema too. */
export function createAuditStore(db: WorkspaceDb): AuditStore {
  return {
    append: async (row) => {
      await db
        .insertInto('audit_events')
        .values({
          id: row.id,
          at_ms: row.atMs,
          actor: row.actor,
          action: row.action,
          target_kind: row.targetKind,
          target_id: row.targetId,
          reason: row.reason,
          before: writeJson(row.before),
          after: writeJson(row.after),
          request_id: row.requestId,
          client_address: row.clientAddress,
        })
        .execute();
    },

    list: async ({ cursor, limit }, filter) => {
      let query = db.selectFrom('audit_events').selectAll().orderBy('at_ms', 'desc').orderBy('id', 'desc');
      if (filter.action !== undefined) query = query.where('action', '=', filter.action);
      if (filter.targetId !== undefined) query = query.where('target_id', '=', filter.targetId);
      if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor);
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('at_ms', 'id'), '<', tuple(position, id)));
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.at_ms, id: row.id }));
    },
  };
}

function read(row: Selectable<AuditEventsTable>): AuditRow {
  return {
    id: row.id,
    atMs: row.at_ms,
    actor: row.actor,
    action: row.action,
    targetKind: row.target_kind,
    targetId: row.target_id,
    reason: row.reason,
    before: readJson(row.before, 'audit_events.before'),
    after: readJson(row.after, 'audit_events.after'),
    requestId: row.request_id,
    clientAddress: row.client_address,
  };
}

/** JSON has no undefined: what was not there is null. */
function writeJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}
