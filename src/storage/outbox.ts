import type { Selectable, Updateable } from 'kysely';
import type { OutboxRow, OutboxStore } from '../admin/key-life-stores.ts';
import { requireRow } from './affected.ts';
import { CorruptColumnError } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { OutboxTable } from './key-life-schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Events of one workspace on their way to webhooks, and what became of them. */
export function createOutboxStore(db: WorkspaceDb): OutboxStore {
  return {
    insert: async (row) => {
      await db
        .insertInto('outbox')
        .values({
          id: row.id,
          webhook_id: row.webhookId,
          event_id: row.eventId,
          event_type: row.eventType,
          body: row.body,
          state: row.state,
          attempts: row.attempts,
          due_at_ms: row.dueAtMs,
          created_at_ms: row.createdAtMs,
        })
        .execute();
    },

    due: async (webhookId, nowMs, limit) => {
      const rows = await db
        .selectFrom('outbox')
        .selectAll()
        .where('state', '=', 'waiting')
        .where('webhook_id', '=', webhookId)
        .where('due_at_ms', '<=', nowMs)
        .orderBy('due_at_ms')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => read(row));
    },

    postpone: async (webhookId, untilMs) => {
      await db
        .updateTable('outbox')
        .set({ due_at_ms: untilMs })
        .where('state', '=', 'waiting')
        .where('webhook_id', '=', webhookId)
        .where('due_at_ms', '<', untilMs)
        .execute();
    },

    stale: async (beforeMs, limit) => {
      const query = db.selectFrom('outbox').selectAll().where('state', '=', 'waiting');
      const rows = await query.where('created_at_ms', '<', beforeMs).limit(limit).execute();
      return rows.map((row) => read(row));
    },

    waiting: async (webhookId) => {
      const row = await db
        .selectFrom('outbox')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('webhook_id', '=', webhookId)
        .where('state', '=', 'waiting')
        .executeTakeFirst();
      return row?.count ?? 0;
    },

    update: async (id, patch) => {
      const query = db.updateTable('outbox').set(write(patch)).where('id', '=', id);
      requireRow((await query.executeTakeFirst()).numUpdatedRows);
    },

    list: async ({ cursor, limit }, webhookId) => {
      let query = db.selectFrom('outbox').selectAll().where('webhook_id', '=', webhookId);
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at_ms', 'id'), '<', tuple(position, id)));
      }
      const rows = await query
        .orderBy('created_at_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.created_at_ms, id: row.id }));
    },

    prune: async (beforeMs) => {
      await db.deleteFrom('outbox').where('state', '!=', 'waiting').where('finished_at_ms', '<', beforeMs).execute();
    },

    drop: async (webhookId) => {
      await db.deleteFrom('outbox').where('webhook_id', '=', webhookId).execute();
    },
  };
}

function read(row: Selectable<OutboxTable>): OutboxRow {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id,
    eventType: row.event_type,
    body: row.body,
    state: readState(row.state),
    attempts: row.attempts,
    dueAtMs: row.due_at_ms,
    createdAtMs: row.created_at_ms,
    finishedAtMs: row.finished_at_ms,
    lastStatus: row.last_status,
    lastError: row.last_error,
  };
}

function readState(text: string): OutboxRow['state'] {
  if (text === 'waiting' || text === 'delivered' || text === 'failed') return text;
  throw new CorruptColumnError('outbox.state');
}

function write(patch: Parameters<OutboxStore['update']>[1]): Updateable<OutboxTable> {
  return {
    ...(patch.body !== undefined && { body: patch.body }),
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.attempts !== undefined && { attempts: patch.attempts }),
    ...(patch.dueAtMs !== undefined && { due_at_ms: patch.dueAtMs }),
    ...(patch.finishedAtMs !== undefined && { finished_at_ms: patch.finishedAtMs }),
    ...(patch.lastStatus !== undefined && { last_status: patch.lastStatus }),
    ...(patch.lastError !== undefined && { last_error: patch.lastError }),
  };
}
