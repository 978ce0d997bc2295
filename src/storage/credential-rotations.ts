import type { ExpressionBuilder, Selectable } from 'kysely';
import type {
  CredentialRotationRow,
  CredentialRotationStore,
  RotationPlan,
  RotationStep,
} from '../admin/credential-stores.ts';
import { CorruptColumnError, readFields, readJson, readList } from './columns.ts';
import type { CredentialRotationsTable } from './credential-rotation-schema.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { TenantTables } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Rotations of the credentials of one workspace. */
export function createCredentialRotationStore(db: WorkspaceDb): CredentialRotationStore {
  const all = () => db.selectFrom('credential_rotations').selectAll();
  return {
    insert: async (row) => {
      await db
        .insertInto('credential_rotations')
        .values({
          id: row.id,
          provider_id: row.providerId,
          credential_id: row.credentialId,
          new_credential_id: row.newCredentialId,
          created_by: row.createdBy,
          created_at_ms: row.createdAtMs,
          revision: row.revision,
          ...write(row),
        })
        .execute();
    },

    get: async (id) => {
      const row = await all().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    list: async ({ cursor, limit }, { state, credentialId }) => {
      let query = all().orderBy('created_at_ms', 'desc').orderBy('id', 'desc');
      if (state !== undefined) query = query.where('state', '=', state);
      if (credentialId !== undefined) query = query.where((eb) => isOf(eb, credentialId));
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at_ms', 'id'), '<', tuple(position, id)));
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.created_at_ms, id: row.id }));
    },

    due: async (nowMs, limit) => {
      const query = all().where('state', '=', 'running').where('due_at_ms', '<=', nowMs);
      const rows = await query.orderBy('due_at_ms').orderBy('id').limit(limit).execute();
      return rows.map((row) => read(row));
    },

    runningOf: async (credentialId) => {
      const query = all()
        .where('state', '=', 'running')
        .where((eb) => isOf(eb, credentialId));
      return (await query.orderBy('id').execute()).map((row) => read(row));
    },

    update: async (row) => {
      const result = await db
        .updateTable('credential_rotations')
        .set({ ...write(row), revision: row.revision + 1 })
        .where('id', '=', row.id)
        .where('revision', '=', row.revision)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },

    prune: async (beforeMs) => {
      await db
        .deleteFrom('credential_rotations')
        .where('state', '<>', 'running')
        .where('ended_at_ms', '<', beforeMs)
        .execute();
    },
  };
}

function isOf(eb: ExpressionBuilder<TenantTables, 'credential_rotations'>, credentialId: string) {
  return eb.or([eb('credential_id', '=', credentialId), eb('new_credential_id', '=', credentialId)]);
}

/** What changes as it goes on. */
function write(row: CredentialRotationRow) {
  return {
    state: row.state,
    steps: JSON.stringify(row.steps),
    plan: JSON.stringify(row.plan),
    canary_passed: row.canaryPassed,
    canary_seen: row.canarySeen,
    due_at_ms: row.dueAtMs,
    updated_at_ms: row.updatedAtMs,
    ended_at_ms: row.endedAtMs,
    ended_reason: row.endedReason,
  };
}

function read(row: Selectable<CredentialRotationsTable>): CredentialRotationRow {
  return {
    id: row.id,
    providerId: row.provider_id,
    credentialId: row.credential_id,
    newCredentialId: row.new_credential_id,
    state: readRotationState(row.state),
    steps: readSteps(row.steps),
    plan: readPlan(row.plan),
    canaryPassed: row.canary_passed,
    canarySeen: row.canary_seen,
    dueAtMs: row.due_at_ms,
    revision: row.revision,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    endedAtMs: row.ended_at_ms,
    endedReason: row.ended_reason,
  };
}

function readRotationState(text: string): CredentialRotationRow['state'] {
  if (text === 'running' || text === 'completed' || text === 'rolled-back') return text;
  throw new CorruptColumnError('credential_rotations.state');
}

function readSteps(json: string): readonly RotationStep[] {
  const steps = readList(json, 'credential_rotations.steps');
  if (!steps.every(isStep)) throw new CorruptColumnError('credential_rotations.steps');
  return steps;
}

function isStep(value: unknown): value is RotationStep {
  return typeof value === 'object' && value !== null && 'name' in value && 'state' in value && 'startedAtMs' in value;
}

function readPlan(json: string): RotationPlan {
  const place = 'credential_rotations.plan';
  const fields = readFields(readJson(json, place), place);
  const number = (name: keyof RotationPlan): number => {
    const value = fields[name];
    if (typeof value !== 'number') throw new CorruptColumnError(place);
    return value;
  };
  return {
    canaryPercent: number('canaryPercent'),
    canaryCalls: number('canaryCalls'),
    canaryMs: number('canaryMs'),
    drainMs: number('drainMs'),
    deleteAfterMs: number('deleteAfterMs'),
    weight: number('weight'),
    priority: number('priority'),
  };
}
