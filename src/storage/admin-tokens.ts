import type { DatabaseSync } from 'node:sqlite';
import type { Insertable, Selectable } from 'kysely';
import type {
  AdminRefusalRow,
  AdminRefusalStore,
  AdminTokenRow,
  AdminTokenStore,
  FoundAdminToken,
} from '../admin/access-stores.ts';
import type { AdminRefusalsTable, AdminTokensTable } from './access-schema.ts';
import { CorruptColumnError, readSecrets, readStrings, writeSecrets } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Tokens of the admin API of one workspace. */
export function createAdminTokenStore(db: WorkspaceDb): AdminTokenStore {
  return {
    insert: async (row) => {
      const { kid, createdAtMs, createdBy, revision } = row;
      await db
        .insertInto('admin_tokens')
        .values({ kid, created_at_ms: createdAtMs, created_by: createdBy, revision, ...write(row) })
        .execute();
    },

    get: async (kid) => {
      const row = await db.selectFrom('admin_tokens').selectAll().where('kid', '=', kid).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    list: async ({ cursor, limit }, { state }) => {
      let query = db.selectFrom('admin_tokens').selectAll().orderBy('created_at_ms', 'desc').orderBy('kid', 'desc');
      if (state !== undefined) query = query.where('state', '=', state);
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple('created_at_ms', 'kid'), '<', tuple(position, id)),
        );
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.created_at_ms, id: row.kid }));
    },

    update: async (row) => {
      const result = await db
        .updateTable('admin_tokens')
        .set({ ...write(row), revision: row.revision + 1 })
        .where('kid', '=', row.kid)
        .where('revision', '=', row.revision)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
  };
}

/** Refused admin calls of one workspace. */
export function createAdminRefusalStore(db: WorkspaceDb): AdminRefusalStore {
  return {
    insert: async (row, keptMax) => {
      const { requestId, atMs, configVersion, ...same } = row;
      await db
        .insertInto('admin_refusals')
        .values({ ...same, request_id: requestId, at_ms: atMs, config_version: configVersion })
        .execute();
      const oldest = await db
        .selectFrom('admin_refusals')
        .select(['at_ms', 'request_id'])
        .where('kid', '=', row.kid)
        .orderBy('at_ms', 'desc')
        .orderBy('request_id', 'desc')
        .offset(keptMax)
        .limit(1)
        .executeTakeFirst();
      if (oldest === undefined) return;
      await db
        .deleteFrom('admin_refusals')
        .where('kid', '=', row.kid)
        .where(({ eb, refTuple, tuple }) =>
          eb(refTuple('at_ms', 'request_id'), '<=', tuple(oldest.at_ms, oldest.request_id)),
        )
        .execute();
    },

    get: async (requestId) => {
      const query = db.selectFrom('admin_refusals').selectAll().where('request_id', '=', requestId);
      const row = await query.executeTakeFirst();
      return row === undefined ? null : readRefusal(row);
    },
  };
}

/** Over all workspaces: whoever calls has nothing but the token. Sees what is committed. */
export function createFindAdminToken(database: DatabaseSync): (kid: string) => Promise<FoundAdminToken | null> {
  const statement = database.prepare('select * from admin_tokens where kid = ?');
  return async (kid) => {
    const row = statement.get(kid);
    if (row === undefined) return null;
    // The columns of the table, which is strict.
    const found = row as unknown as Selectable<AdminTokensTable>;
    return { workspaceId: found.workspace_id, row: read(found) };
  };
}

function write(
  row: AdminTokenRow,
): Omit<Insertable<AdminTokensTable>, 'workspace_id' | 'kid' | 'created_at_ms' | 'created_by' | 'revision'> {
  return {
    name: row.name,
    owner_id: row.ownerId,
    state: row.state,
    state_reason: row.stateReason,
    permissions: JSON.stringify(row.permissions),
    addresses: row.addresses === null ? null : JSON.stringify(row.addresses),
    secrets: writeSecrets(row.secrets),
    not_before_ms: row.notBeforeMs,
    expires_at_ms: row.expiresAtMs,
    updated_at_ms: row.updatedAtMs,
    revoked_at_ms: row.revokedAtMs,
  };
}

function read(row: Selectable<AdminTokensTable>): AdminTokenRow {
  return {
    kid: row.kid,
    name: row.name,
    ownerId: row.owner_id,
    state: readTokenState(row.state),
    stateReason: row.state_reason,
    permissions: readStrings(row.permissions, 'admin_tokens.permissions'),
    addresses: row.addresses === null ? null : readStrings(row.addresses, 'admin_tokens.addresses'),
    secrets: readSecrets(row.secrets),
    notBeforeMs: row.not_before_ms,
    expiresAtMs: row.expires_at_ms,
    revision: row.revision,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    updatedAtMs: row.updated_at_ms,
    revokedAtMs: row.revoked_at_ms,
  };
}

function readTokenState(text: string): AdminTokenRow['state'] {
  if (text === 'active' || text === 'suspended' || text === 'revoked') return text;
  throw new CorruptColumnError('admin_tokens.state');
}

function readRefusal(row: Selectable<AdminRefusalsTable>): AdminRefusalRow {
  return {
    requestId: row.request_id,
    kid: row.kid,
    atMs: row.at_ms,
    method: row.method,
    path: row.path,
    address: row.address,
    status: row.status,
    code: row.code,
    decision: row.decision,
    configVersion: row.config_version,
  };
}
