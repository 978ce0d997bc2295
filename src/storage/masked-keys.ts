import type { MaskedKeyStore } from '../admin/stores.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Which keys of one workspace stand for which credential. */
export function createMaskedKeyStore(db: WorkspaceDb): MaskedKeyStore {
  return {
    insertPlace: async ({ credentialId, baseUrl, header, prefix, prices }) => {
      await db
        .insertInto('real_keys')
        .values({ credential_id: credentialId, base_url: baseUrl, auth_header: header, auth_prefix: prefix, prices })
        .execute();
    },

    place: async (credentialId) => {
      const row = await db
        .selectFrom('real_keys')
        .selectAll()
        .where('credential_id', '=', credentialId)
        .executeTakeFirst();
      if (row === undefined) return null;
      const { base_url: baseUrl, auth_header: header, auth_prefix: prefix, prices } = row;
      return { credentialId, baseUrl, header, prefix, prices };
    },

    link: async (kid, credentialId) => {
      await db.insertInto('masked_keys').values({ kid, credential_id: credentialId }).execute();
    },

    credentialsOf: async (kids) => {
      if (kids.length === 0) return new Map();
      const rows = await db
        .selectFrom('masked_keys')
        .select(['kid', 'credential_id'])
        .where('kid', 'in', [...kids])
        .execute();
      return new Map(rows.map((row) => [row.kid, row.credential_id]));
    },

    backendToken: async () => {
      const row = await db.selectFrom('backend_tokens').selectAll().executeTakeFirst();
      if (row === undefined) return null;
      return { kid: row.kid, hash: row.hash, pepperVersion: row.pepper_version, createdAtMs: row.created_at_ms };
    },

    setBackendToken: async ({ kid, hash, pepperVersion, createdAtMs }) => {
      await db.deleteFrom('backend_tokens').execute();
      await db
        .insertInto('backend_tokens')
        .values({ kid, hash, pepper_version: pepperVersion, created_at_ms: createdAtMs })
        .execute();
    },
  };
}
