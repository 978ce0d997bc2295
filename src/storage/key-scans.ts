import type { KeyScan, KeyScanStore } from '../admin/key-life-stores.ts';
import { readKeyRow } from './keys.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** What jobs look for among the keys of one workspace. */
export function createKeyScanStore(db: WorkspaceDb): KeyScanStore {
  return {
    keys: async (scan, afterKid, limit) => {
      const rows = await matching(db, scan)
        .where('type', '=', 'kwk')
        .where('state', 'in', ['active', 'suspended'])
        .where('kid', '>', afterKid)
        .orderBy('kid')
        .limit(limit)
        .execute();
      return rows.map((row) => readKeyRow(row));
    },
  };
}

function matching(db: WorkspaceDb, scan: KeyScan) {
  const query = db.selectFrom('keys').selectAll();
  switch (scan.kind) {
    case 'secret-older':
      return query.where('secret_since_ms', '<=', scan.beforeMs);
    case 'ending-early':
      return query.where('ends_early', '=', 1);
    case 'expiring':
      return query.where('expires_at_ms', '>', scan.fromMs).where('expires_at_ms', '<=', scan.toMs);
    case 'unused-since':
      return query
        .where('watched_since_ms', '<=', scan.beforeMs)
        .where(({ eb, or }) => or([eb('last_used_at_ms', 'is', null), eb('last_used_at_ms', '<=', scan.beforeMs)]));
    case 'with-budgets':
      return query.where(({ eb, fn, val }) => eb(fn<number>('instr', ['limits', val('"budgets"')]), '>', 0));
    case 'with-pool':
      return query.where(({ eb, or }) =>
        or([
          eb('delegation', 'is not', null),
          eb(
            'kid',
            'in',
            db
              .selectFrom('keys')
              .select(({ fn, val }) => fn<string>('coalesce', ['parent_kid', val('')]).as('kid'))
              .where('type', '=', 'kwt')
              .where('expires_at_ms', '>', scan.nowMs),
          ),
        ]),
      );
    case 'beneath':
      return query.where(({ eb, or }) =>
        or([eb('owner_id', 'in', scan.ownerIds), eb('application_id', 'in', scan.applicationIds)]),
      );
    case 'all':
      return query;
  }
}
