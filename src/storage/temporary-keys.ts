import type { TemporaryKeyStore } from '../admin/stores.ts';
import { readKeyRow } from './keys.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** What jobs do with temporary keys of one workspace. */
export function createTemporaryKeyStore(db: WorkspaceDb): TemporaryKeyStore {
  return {
    unused: async (nowMs, afterKid, limit) => {
      const rows = await db
        .selectFrom('keys')
        .selectAll()
        .where('reclaim_unused_ms', 'is not', null)
        .where('state', '=', 'active')
        .where('last_used_at_ms', 'is', null)
        .where('expires_at_ms', '>', nowMs)
        .where(({ eb, ref }) => eb(eb('created_at_ms', '+', ref('reclaim_unused_ms')), '<=', nowMs))
        .where('kid', '>', afterKid)
        .orderBy('kid')
        .limit(limit)
        .execute();
      return rows.map((row) => readKeyRow(row));
    },

    deleteEnded: async (beforeMs, limit) => {
      const ended = await db
        .selectFrom('keys')
        .select('kid')
        .where('type', '=', 'kwt')
        .where('expires_at_ms', '<', beforeMs)
        .limit(limit)
        .execute();
      const kids = ended.map(({ kid }) => kid);
      if (kids.length === 0) return 0;
      await db.deleteFrom('key_activity').where('kid', 'in', kids).execute();
      await db.deleteFrom('keys').where('kid', 'in', kids).execute();
      return kids.length;
    },

    countReclaimed: async (parentKids) => {
      for (const [kid, times] of Map.groupBy(parentKids, (parentKid) => parentKid)) {
        await db
          .updateTable('keys')
          .set(({ eb }) => ({ reclaimed: eb('reclaimed', '+', times.length) }))
          .where('kid', '=', kid)
          .execute();
      }
    },

    reclaimed: async (parentKid) => {
      const row = await db.selectFrom('keys').select('reclaimed').where('kid', '=', parentKid).executeTakeFirst();
      return row?.reclaimed ?? 0;
    },
  };
}
