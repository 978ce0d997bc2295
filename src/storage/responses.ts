import type { Selectable, Updateable } from 'kysely';
import type { Effect, ResponseFilter, ResponseRow, ResponseState, ResponseStore } from '../admin/response-stores.ts';
import { requireRow } from './affected.ts';
import { CorruptColumnError, readFields, readList } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { ResponsesTable } from './response-schema.ts';
import { readTriggerKind, requireActionKind } from './response-rules.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

const OPEN: readonly ResponseState[] = ['pending', 'in-force'];

/** What the rules of one workspace did. */
export function createResponseStore(db: WorkspaceDb): ResponseStore {
  const open = () => db.selectFrom('responses').selectAll().where('state', 'in', OPEN);
  return {
    insert: async (row) => {
      await db
        .insertInto('responses')
        .values({
          id: row.id,
          rule_id: row.ruleId,
          rule_name: row.ruleName,
          trigger_kind: row.trigger,
          subject_kind: row.subjectKind,
          subject_id: row.subjectId,
          state: row.state,
          evidence: row.evidence,
          effects: JSON.stringify(row.effects),
          created_at_ms: row.createdAtMs,
          in_force_at_ms: row.inForceAtMs,
          expires_at_ms: row.expiresAtMs,
          ended_at_ms: row.endedAtMs,
          ended_by: row.endedBy,
          ended_reason: row.endedReason,
        })
        .execute();
    },

    get: async (id) => {
      const row = await db.selectFrom('responses').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    list: async ({ cursor, limit }, filter) => {
      let query = filtered(db, filter).orderBy('created_at_ms', 'desc').orderBy('id', 'desc');
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at_ms', 'id'), '<', tuple(position, id)));
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.created_at_ms, id: row.id }));
    },

    openOf: async (subjectId) => {
      const rows = await open().where('subject_id', '=', subjectId).orderBy('created_at_ms').orderBy('id').execute();
      return rows.map((row) => read(row));
    },

    lastOf: async (ruleId, subjectId) => {
      const row = await db
        .selectFrom('responses')
        .selectAll()
        .where('rule_id', '=', ruleId)
        .where('subject_id', '=', subjectId)
        .orderBy('created_at_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    countOf: async (ruleId, sinceMs) => {
      const row = await db
        .selectFrom('responses')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('rule_id', '=', ruleId)
        .where('created_at_ms', '>', sinceMs)
        .executeTakeFirst();
      return row?.count ?? 0;
    },

    open: async (afterId, limit) => {
      const rows = await open().where('id', '>', afterId).orderBy('id').limit(limit).execute();
      return rows.map((row) => read(row));
    },

    update: async (id, patch) => {
      const query = db.updateTable('responses').set(write(patch)).where('id', '=', id);
      requireRow((await query.executeTakeFirst()).numUpdatedRows);
    },

    prune: async (beforeMs) => {
      await db.deleteFrom('responses').where('state', 'not in', OPEN).where('created_at_ms', '<', beforeMs).execute();
    },
  };
}

function filtered(db: WorkspaceDb, { ruleId, state, subjectId, trigger }: ResponseFilter) {
  let query = db.selectFrom('responses').selectAll();
  if (ruleId !== undefined) query = query.where('rule_id', '=', ruleId);
  if (state !== undefined) query = query.where('state', '=', state);
  if (subjectId !== undefined) query = query.where('subject_id', '=', subjectId);
  if (trigger !== undefined) query = query.where('trigger_kind', '=', trigger);
  return query;
}

function read(row: Selectable<ResponsesTable>): ResponseRow {
  return {
    id: row.id,
    ruleId: row.rule_id,
    ruleName: row.rule_name,
    trigger: readTriggerKind(row.trigger_kind, 'responses.trigger_kind'),
    subjectKind: row.subject_kind === 'network' ? 'network' : 'key',
    subjectId: row.subject_id,
    state: readState(row.state),
    evidence: row.evidence,
    effects: readList(row.effects, 'responses.effects').map((effect) => readEffect(effect)),
    createdAtMs: row.created_at_ms,
    inForceAtMs: row.in_force_at_ms,
    expiresAtMs: row.expires_at_ms,
    endedAtMs: row.ended_at_ms,
    endedBy: row.ended_by,
    endedReason: row.ended_reason,
  };
}

function readEffect(value: unknown): Effect {
  const place = 'responses.effects';
  const fields = readFields(value, place);
  requireActionKind(fields['kind'], place);
  // Written by this program; the kind was looked at just now.
  return fields as Effect;
}

/** Complete by its type. */
const STATES: Readonly<Record<ResponseState, true>> = {
  pending: true,
  'in-force': true,
  done: true,
  undone: true,
  expired: true,
  superseded: true,
  'dry-run': true,
  failed: true,
};

function readState(text: string): ResponseState {
  if (Object.hasOwn(STATES, text)) return text as ResponseState;
  throw new CorruptColumnError('responses.state');
}

function write(patch: Parameters<ResponseStore['update']>[1]): Updateable<ResponsesTable> {
  return {
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.inForceAtMs !== undefined && { in_force_at_ms: patch.inForceAtMs }),
    ...(patch.endedAtMs !== undefined && { ended_at_ms: patch.endedAtMs }),
    ...(patch.endedBy !== undefined && { ended_by: patch.endedBy }),
    ...(patch.endedReason !== undefined && { ended_reason: patch.endedReason }),
  };
}
