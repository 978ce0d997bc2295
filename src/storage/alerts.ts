import type { Selectable, Updateable } from 'kysely';
import type { AlertFilter, AlertRow, AlertSeverity, AlertStore } from '../admin/key-life-stores.ts';
import { requireRow } from './affected.ts';
import { CorruptColumnError, readJson } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { AlertsTable } from './key-life-schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** What people of one workspace should look at. The schema holds one unresolved alert a condition. */
export function createAlertStore(db: WorkspaceDb): AlertStore {
  const unresolved = () => db.selectFrom('alerts').selectAll().where('state', '!=', 'resolved');
  return {
    insert: async (row) => {
      await db
        .insertInto('alerts')
        .values({
          id: row.id,
          kind: row.kind,
          severity: row.severity,
          subject_kind: row.subjectKind,
          subject_id: row.subjectId,
          dedupe_key: row.dedupeKey,
          message: row.message,
          detail: JSON.stringify(row.detail ?? null),
          state: row.state,
          first_seen_at_ms: row.firstSeenAtMs,
          last_seen_at_ms: row.lastSeenAtMs,
        })
        .execute();
    },

    get: async (id) => {
      const row = await db.selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    unresolved: async (dedupeKey) => {
      const row = await unresolved().where('dedupe_key', '=', dedupeKey).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    unseen: async (kind, beforeMs, limit) => {
      const query = unresolved().where('kind', '=', kind).where('last_seen_at_ms', '<', beforeMs);
      return (await query.orderBy('id').limit(limit).execute()).map((row) => read(row));
    },

    countUnresolved: async () => {
      const row = await db
        .selectFrom('alerts')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('state', '!=', 'resolved')
        .executeTakeFirst();
      return row?.count ?? 0;
    },

    update: async (id, patch) => {
      const query = db.updateTable('alerts').set(write(patch)).where('id', '=', id);
      requireRow((await query.executeTakeFirst()).numUpdatedRows);
    },

    list: async ({ cursor, limit }, filter) => {
      let query = filtered(db, filter);
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple('first_seen_at_ms', 'id'), '<', tuple(position, id)),
        );
      }
      const rows = await query
        .orderBy('first_seen_at_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.first_seen_at_ms, id: row.id }));
    },

    prune: async (beforeMs) => {
      await db.deleteFrom('alerts').where('state', '=', 'resolved').where('resolved_at_ms', '<', beforeMs).execute();
    },
  };
}

function filtered(db: WorkspaceDb, { kind, state, severity, subjectId }: AlertFilter) {
  let query = db.selectFrom('alerts').selectAll();
  if (kind !== undefined) query = query.where('kind', '=', kind);
  if (state !== undefined) query = query.where('state', '=', state);
  if (severity !== undefined) query = query.where('severity', '=', severity);
  if (subjectId !== undefined) query = query.where('subject_id', '=', subjectId);
  return query;
}

function read(row: Selectable<AlertsTable>): AlertRow {
  return {
    id: row.id,
    kind: row.kind,
    severity: readSeverity(row.severity),
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    dedupeKey: row.dedupe_key,
    message: row.message,
    detail: readJson(row.detail, 'alerts.detail'),
    state: readState(row.state),
    firstSeenAtMs: row.first_seen_at_ms,
    lastSeenAtMs: row.last_seen_at_ms,
    acknowledgedAtMs: row.acknowledged_at_ms,
    acknowledgedBy: row.acknowledged_by,
    resolvedAtMs: row.resolved_at_ms,
  };
}

function readSeverity(text: string): AlertSeverity {
  if (text === 'info' || text === 'warning' || text === 'critical') return text;
  throw new CorruptColumnError('alerts.severity');
}

function readState(text: string): AlertRow['state'] {
  if (text === 'open' || text === 'acknowledged' || text === 'resolved') return text;
  throw new CorruptColumnError('alerts.state');
}

function write(patch: Parameters<AlertStore['update']>[1]): Updateable<AlertsTable> {
  return {
    ...(patch.severity !== undefined && { severity: patch.severity }),
    ...(patch.message !== undefined && { message: patch.message }),
    ...(patch.detail !== undefined && { detail: JSON.stringify(patch.detail) }),
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.lastSeenAtMs !== undefined && { last_seen_at_ms: patch.lastSeenAtMs }),
    ...(patch.acknowledgedAtMs !== undefined && { acknowledged_at_ms: patch.acknowledgedAtMs }),
    ...(patch.acknowledgedBy !== undefined && { acknowledged_by: patch.acknowledgedBy }),
    ...(patch.resolvedAtMs !== undefined && { resolved_at_ms: patch.resolvedAtMs }),
  };
}
