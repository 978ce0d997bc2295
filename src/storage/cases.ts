import type { Selectable } from 'kysely';
import type { CaseRow, CaseStep, CaseStore } from '../admin/stores.ts';
import { CorruptColumnError, readJson } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { CasesTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Cases of one workspace. */
export function createCaseStore(db: WorkspaceDb): CaseStore {
  return {
    insert: async (row) => {
      await db
        .insertInto('cases')
        .values({
          id: row.id,
          kid: row.kid,
          new_kid: row.newKid,
          state: row.state,
          opened_by: row.openedBy,
          steps: JSON.stringify(row.steps),
          closed_reason: row.closedReason,
          revision: row.revision,
          created_at_ms: row.createdAtMs,
          updated_at_ms: row.updatedAtMs,
        })
        .execute();
    },

    get: async (id) => {
      const row = await db.selectFrom('cases').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    list: async ({ cursor, limit }, { state, kid }) => {
      let query = db.selectFrom('cases').selectAll().orderBy('created_at_ms', 'desc').orderBy('id', 'desc');
      if (state !== undefined) query = query.where('state', '=', state);
      if (kid !== undefined) query = query.where('kid', '=', kid);
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at_ms', 'id'), '<', tuple(position, id)));
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.created_at_ms, id: row.id }));
    },

    update: async (row) => {
      const result = await db
        .updateTable('cases')
        .set({
          new_kid: row.newKid,
          state: row.state,
          steps: JSON.stringify(row.steps),
          closed_reason: row.closedReason,
          updated_at_ms: row.updatedAtMs,
          revision: row.revision + 1,
        })
        .where('id', '=', row.id)
        .where('revision', '=', row.revision)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
  };
}

function read(row: Selectable<CasesTable>): CaseRow {
  return {
    id: row.id,
    kid: row.kid,
    newKid: row.new_kid,
    state: readCaseState(row.state),
    openedBy: row.opened_by,
    steps: readSteps(row.steps),
    closedReason: row.closed_reason,
    revision: row.revision,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function readCaseState(text: string): CaseRow['state'] {
  if (text === 'open' || text === 'resolved' || text === 'closed') return text;
  throw new CorruptColumnError('cases.state');
}

function readSteps(json: string): readonly CaseStep[] {
  const steps = readJson(json, 'cases.steps');
  if (!Array.isArray(steps) || !steps.every(isStep)) throw new CorruptColumnError('cases.steps');
  return steps;
}

function isStep(value: unknown): value is CaseStep {
  return typeof value === 'object' && value !== null && 'name' in value && 'state' in value && 'evidence' in value;
}
