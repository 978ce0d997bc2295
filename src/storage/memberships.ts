import type { Selectable } from 'kysely';
import type { MembershipRow, MembershipStore } from '../admin/owner-stores.ts';
import { requireRow } from './affected.ts';
import { readRole, readState } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { MembershipsTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Who is in which team of one workspace. */
export function createMembershipStore(db: WorkspaceDb): MembershipStore {
  const find = async (teamId: string, personId: string) => {
    const row = await db
      .selectFrom('memberships')
      .selectAll()
      .where('team_id', '=', teamId)
      .where('person_id', '=', personId)
      .executeTakeFirst();
    return row === undefined ? null : read(row);
  };
  return {
    insert: async (row) => {
      await db
        .insertInto('memberships')
        .values({
          team_id: row.teamId,
          person_id: row.personId,
          role: row.role,
          state: row.state,
          created_at_ms: row.createdAtMs,
          updated_at_ms: row.updatedAtMs,
          deleted_at_ms: row.deletedAtMs,
        })
        .execute();
    },

    get: async (teamId, personId) => {
      const row = await find(teamId, personId);
      return row === null || row.deletedAtMs !== null ? null : row;
    },

    find,

    list: async (teamId, { cursor, limit }, { deleted = false }) => {
      let query = db
        .selectFrom('memberships')
        .selectAll()
        .where('team_id', '=', teamId)
        .where('deleted_at_ms', deleted ? 'is not' : 'is', null)
        .orderBy('created_at_ms', 'desc')
        .orderBy('person_id', 'desc');
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple('created_at_ms', 'person_id'), '<', tuple(position, id)),
        );
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.created_at_ms, id: row.person_id }));
    },

    all: async () => {
      const rows = await db.selectFrom('memberships').selectAll().where('deleted_at_ms', 'is', null).execute();
      return rows.map((row) => read(row));
    },

    update: async (teamId, personId, patch) => {
      const result = await db
        .updateTable('memberships')
        .set({
          ...(patch.role !== undefined && { role: patch.role }),
          ...(patch.state !== undefined && { state: patch.state }),
          ...(patch.updatedAtMs !== undefined && { updated_at_ms: patch.updatedAtMs }),
          ...(patch.deletedAtMs !== undefined && { deleted_at_ms: patch.deletedAtMs }),
        })
        .where('team_id', '=', teamId)
        .where('person_id', '=', personId)
        .executeTakeFirst();
      requireRow(result.numUpdatedRows);
    },
  };
}

function read(row: Selectable<MembershipsTable>): MembershipRow {
  return {
    teamId: row.team_id,
    personId: row.person_id,
    role: readRole(row.role),
    state: readState(row.state, 'memberships.state'),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    deletedAtMs: row.deleted_at_ms,
  };
}
