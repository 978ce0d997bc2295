import type { Selectable, Updateable } from 'kysely';
import type { WebhookRow, WebhookStore } from '../admin/key-life-stores.ts';
import { requireRow } from './affected.ts';
import { readState, readStrings } from './columns.ts';
import { damaged } from './data-keys.ts';
import { seal, unseal } from './envelope.ts';
import type { SealContext } from './envelope.ts';
import type { RevealStoreOptions } from './reveals.ts';
import type { WebhooksTable } from './key-life-schema.ts';

/** Where one workspace wants to be told of events; signing secrets are sealed with its data key. */
export function createWebhookStore({ db, workspaceId, dataKeys }: RevealStoreOptions): WebhookStore {
  const sealSecret = async (id: string, version: number, secret: string) => {
    const dataKey = await dataKeys.current(db, workspaceId);
    return {
      secret: seal(dataKey.key, context(workspaceId, id, version), Buffer.from(secret)),
      secret_version: version,
      data_key_version: dataKey.version,
    };
  };
  const find = (id: string) => db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();

  return {
    insert: async (row, secret) => {
      await db
        .insertInto('webhooks')
        .values({
          id: row.id,
          name: row.name,
          url: row.url,
          events: JSON.stringify(row.events),
          state: row.state,
          public_key: row.publicKey,
          ...(await sealSecret(row.id, 1, secret)),
          created_at_ms: row.createdAtMs,
          updated_at_ms: row.updatedAtMs,
        })
        .execute();
    },

    get: async (id) => {
      const row = await find(id);
      return row === undefined ? null : read(row);
    },

    all: async () => {
      const rows = await db.selectFrom('webhooks').selectAll().orderBy('id').execute();
      return rows.map((row) => read(row));
    },

    secret: async (id) => {
      const row = await find(id);
      if (row === undefined) return null;
      const dataKey = await dataKeys.current(db, workspaceId);
      const secret = unseal(dataKey.key, context(workspaceId, id, row.secret_version), row.secret);
      if (secret === null) throw damaged(`webhook ${id}`);
      return secret.toString();
    },

    update: async (id, patch, secret) => {
      const version = (await find(id))?.secret_version ?? 0;
      const changes = { ...write(patch), ...(secret === undefined ? {} : await sealSecret(id, version + 1, secret)) };
      const query = db.updateTable('webhooks').set(changes).where('id', '=', id).where('secret_version', '=', version);
      requireRow((await query.executeTakeFirst()).numUpdatedRows);
    },

    delete: async (id) => {
      requireRow((await db.deleteFrom('webhooks').where('id', '=', id).executeTakeFirst()).numDeletedRows);
    },
  };
}

function context(workspaceId: string, recordId: string, version: number): SealContext {
  return { purpose: 'webhook', workspaceId, recordId, version };
}

function read(row: Selectable<WebhooksTable>): WebhookRow {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    events: readStrings(row.events, 'webhooks.events'),
    state: readState(row.state, 'webhooks.state'),
    publicKey: row.public_key,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function write(patch: Parameters<WebhookStore['update']>[1]): Updateable<WebhooksTable> {
  return {
    ...(patch.name !== undefined && { name: patch.name }),
    ...(patch.url !== undefined && { url: patch.url }),
    ...(patch.events !== undefined && { events: JSON.stringify(patch.events) }),
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.publicKey !== undefined && { public_key: patch.publicKey }),
    ...(patch.updatedAtMs !== undefined && { updated_at_ms: patch.updatedAtMs }),
  };
}
