import type { Selectable, Updateable } from 'kysely';
import type { CredentialRow, CredentialStore } from '../admin/stores.ts';
import { requireRow } from './affected.ts';
import { readState, readStrings } from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import { damaged } from './data-keys.ts';
import type { DataKeys } from './data-keys.ts';
import { seal, unseal } from './envelope.ts';
import type { SealContext } from './envelope.ts';
import type { CredentialsTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

export interface CredentialStoreOptions {
  readonly db: WorkspaceDb;
  readonly workspaceId: string;
  readonly dataKeys: DataKeys;
}

/** Secrets that one workspace presents to providers, sealed with the workspace's data key. */
export function createCredentialStore({ db, workspaceId, dataKeys }: CredentialStoreOptions): CredentialStore {
  const sealSecret = async (id: string, version: number, secret: string) => {
    const dataKey = await dataKeys.current(db, workspaceId);
    return {
      secret: seal(dataKey.key, context(workspaceId, id, version), Buffer.from(secret)),
      secret_version: version,
      data_key_version: dataKey.version,
    };
  };

  return {
    insert: async (row, secret) => {
      await db
        .insertInto('credentials')
        .values({
          id: row.id,
          provider_id: row.providerId,
          name: row.name,
          weight: row.weight,
          priority: row.priority,
          models: row.models === null ? null : JSON.stringify(row.models),
          state: row.state,
          hint: row.hint,
          ...(await sealSecret(row.id, 1, secret)),
          created_at_ms: row.createdAtMs,
          updated_at_ms: row.updatedAtMs,
        })
        .execute();
    },

    get: async (id) => {
      const row = await db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    list: async ({ cursor, limit }, filter) => {
      let query = db.selectFrom('credentials').selectAll().orderBy('created_at_ms', 'desc').orderBy('id', 'desc');
      if (filter.providerId !== undefined) query = query.where('provider_id', '=', filter.providerId);
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at_ms', 'id'), '<', tuple(position, id)));
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, read, (row) => ({ position: row.created_at_ms, id: row.id }));
    },

    secrets: async () => {
      const rows = await db.selectFrom('credentials').selectAll().orderBy('created_at_ms').orderBy('id').execute();
      if (rows.length === 0) return [];
      const dataKey = await dataKeys.current(db, workspaceId);
      return rows.map((row) => ({ ...read(row), secret: openSecret(row, dataKey.key, workspaceId) }));
    },

    secretOf: async (id) => {
      const row = await db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined) return null;
      const dataKey = await dataKeys.current(db, workspaceId);
      return openSecret(row, dataKey.key, workspaceId);
    },

    update: async (id, patch, secret) => {
      let changes = write(patch);
      let query = db.updateTable('credentials').where('id', '=', id);
      if (secret !== undefined) {
        const row = await db.selectFrom('credentials').select('secret_version').where('id', '=', id).executeTakeFirst();
        requireRow(row === undefined ? 0n : 1n);
        const version = row?.secret_version ?? 0;
        changes = { ...changes, ...(await sealSecret(id, version + 1, secret)) };
        // Sealed for this version: should another change have come between, this one is refused.
        query = query.where('secret_version', '=', version);
      }
      if (Object.keys(changes).length === 0) return;
      requireRow((await query.set(changes).executeTakeFirst()).numUpdatedRows);
    },

    delete: async (id) => {
      const result = await db.deleteFrom('credentials').where('id', '=', id).executeTakeFirst();
      requireRow(result.numDeletedRows);
    },
  };
}

function openSecret(row: Selectable<CredentialsTable>, dataKey: Uint8Array, workspaceId: string): string {
  const secret = unseal(dataKey, context(workspaceId, row.id, row.secret_version), row.secret);
  if (secret === null) throw damaged(`credential ${row.id}`);
  return secret.toString();
}

function context(workspaceId: string, recordId: string, version: number): SealContext {
  return { purpose: 'credential', workspaceId, recordId, version };
}

function read(row: Selectable<CredentialsTable>): CredentialRow {
  return {
    id: row.id,
    providerId: row.provider_id,
    name: row.name,
    weight: row.weight,
    priority: row.priority,
    models: row.models === null ? null : readStrings(row.models, 'credentials.models'),
    state: readState(row.state, 'credentials.state'),
    hint: row.hint,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function write(patch: Parameters<CredentialStore['update']>[1]): Updateable<CredentialsTable> {
  return {
    ...(patch.name !== undefined && { name: patch.name }),
    ...(patch.weight !== undefined && { weight: patch.weight }),
    ...(patch.priority !== undefined && { priority: patch.priority }),
    ...(patch.models !== undefined && { models: patch.models === null ? null : JSON.stringify(patch.models) }),
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.hint !== undefined && { hint: patch.hint }),
    ...(patch.updatedAtMs !== undefined && { updated_at_ms: patch.updatedAtMs }),
  };
}
