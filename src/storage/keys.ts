import type { Selectable, Updateable } from 'kysely';
import type { KeyFilter, KeyRow, KeyRowStore } from '../admin/stores.ts';
import type { KeySecret } from '../keys/key-record.ts';
import {
  readDelegation,
  readMinting,
  readEnvironment,
  readKeyState,
  readSecrets,
  readStoredLimits,
  readStoredScopes,
  readStoredType,
  readStrings,
  readSuspension,
  tagNeedle,
  writeConstraints,
  writeSecrets,
  writeTags,
} from './columns.ts';
import { decodeTimeCursor, pageOf } from './cursor.ts';
import type { KeysTable } from './schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Keys of one workspace. */
export function createKeyStore(db: WorkspaceDb): KeyRowStore {
  return {
    insert: async (row) => {
      await db
        .insertInto('keys')
        .values({
          kid: row.kid,
          type: row.type,
          parent_kid: row.parentKid,
          binding: row.binding,
          owner_id: row.ownerId,
          application_id: row.applicationId,
          name: row.name,
          environment: row.environment,
          state: row.state,
          suspension: row.suspension === null ? null : JSON.stringify(row.suspension),
          secrets: writeSecrets(row.secrets),
          ...secretColumns(row.secrets, row.createdAtMs),
          watched_since_ms: row.createdAtMs,
          reclaim_unused_ms: row.reclaimUnusedMs ?? null,
          not_before_ms: row.notBeforeMs,
          expires_at_ms: row.expiresAtMs,
          scopes: writeConstraints(row.scopes),
          scopes_set_at_ms: row.scopesSetAtMs,
          delegation: row.delegation === null ? null : JSON.stringify(row.delegation),
          limits: writeConstraints(row.limits),
          tags: writeTags(row.tags),
          revision: row.revision,
          created_at_ms: row.createdAtMs,
          created_by: row.createdBy,
          updated_at_ms: row.updatedAtMs,
          revoked_at_ms: row.revokedAtMs,
          state_reason: row.stateReason,
          minting: row.minting === null ? null : JSON.stringify(row.minting),
        })
        .execute();
    },

    get: async (kid) => {
      const row = await db.selectFrom('keys').selectAll().where('kid', '=', kid).executeTakeFirst();
      return row === undefined ? null : readKeyRow(row);
    },

    getMany: async (kids) => {
      const rows = await db.selectFrom('keys').selectAll().where('kid', 'in', kids).execute();
      return rows.map((row) => readKeyRow(row));
    },

    list: async ({ cursor, limit }, filter) => {
      let query = filtered(db, filter).orderBy('created_at_ms', 'desc').orderBy('kid', 'desc');
      if (cursor !== null) {
        const { position, id } = decodeTimeCursor(cursor);
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple('created_at_ms', 'kid'), '<', tuple(position, id)),
        );
      }
      const rows = await query.limit(limit + 1).execute();
      return pageOf(rows, limit, readKeyRow, (row) => ({ position: row.created_at_ms, id: row.kid }));
    },

    livePool: async (parentKid, nowMs) => {
      const { live, soonest } = await db
        .selectFrom('keys')
        .select(({ fn }) => [fn.countAll<number>().as('live'), fn.min('expires_at_ms').as('soonest')])
        .where('parent_kid', '=', parentKid)
        .where('state', 'in', ['active', 'suspended'])
        .where('expires_at_ms', '>', nowMs)
        .executeTakeFirstOrThrow();
      return { live, soonestEndMs: soonest };
    },

    poolTraffic: async (parentKid, fromMs, toMs) => {
      const row = await db
        .selectFrom('keys')
        .select(({ fn, eb }) => [
          fn.countAll<number>().filterWhere('created_at_ms', '>=', fromMs).as('minted'),
          fn
            .countAll<number>()
            .filterWhere(
              eb.or([
                eb.and([eb('revoked_at_ms', '>=', fromMs), eb('revoked_at_ms', '<=', toMs)]),
                eb.and([
                  eb('revoked_at_ms', 'is', null),
                  eb('expires_at_ms', '>=', fromMs),
                  eb('expires_at_ms', '<=', toMs),
                ]),
              ]),
            )
            .as('ended'),
        ])
        .where('parent_kid', '=', parentKid)
        .executeTakeFirstOrThrow();
      return { minted: row.minted, ended: row.ended };
    },

    update: async (kid, expectedRevision, patch) => {
      const result = await db
        .updateTable('keys')
        .set({ ...write(patch), revision: expectedRevision + 1 })
        .where('kid', '=', kid)
        .where('revision', '=', expectedRevision)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
  };
}

function filtered(db: WorkspaceDb, filter: KeyFilter) {
  let query = db.selectFrom('keys').selectAll();
  if (filter.applicationId !== undefined) query = query.where('application_id', '=', filter.applicationId);
  if (filter.parentKid !== undefined) query = query.where('parent_kid', '=', filter.parentKid);
  if (filter.type !== undefined) query = query.where('type', '=', filter.type);
  if (filter.ownerId !== undefined) query = query.where('owner_id', '=', filter.ownerId);
  if (filter.parentKids !== undefined) query = query.where('parent_kid', 'in', filter.parentKids);
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment);
  const { tag, search } = filter;
  if (tag !== undefined) {
    query = query.where(({ eb, fn, val }) => eb(fn<number>('instr', ['tags', val(tagNeedle(tag))]), '>', 0));
  }
  if (search !== undefined) {
    query = query.where(({ eb, fn, val }) =>
      eb.or([
        eb(fn<number>('instr', [fn('lower', ['name']), val(search.toLowerCase())]), '>', 0),
        eb(fn<number>('instr', ['kid', val(search)]), '=', 1),
      ]),
    );
  }
  return query;
}

/** What jobs look for, out of the secrets. */
function secretColumns(secrets: readonly KeySecret[], createdAtMs: number) {
  return {
    secret_since_ms: secrets.find(({ state }) => state === 'current')?.createdAtMs ?? createdAtMs,
    ends_early: secrets.some(({ earlyEnd }) => earlyEnd !== undefined) ? 1 : 0,
  };
}

/** A row as the control plane sees it. */
export function readKeyRow(row: Selectable<KeysTable>): KeyRow {
  return {
    kid: row.kid,
    type: readStoredType(row.type),
    parentKid: row.parent_kid,
    binding: row.binding,
    ownerId: row.owner_id,
    applicationId: row.application_id,
    name: row.name,
    environment: readEnvironment(row.environment),
    state: readKeyState(row.state),
    suspension: readSuspension(row.suspension),
    secrets: readSecrets(row.secrets),
    notBeforeMs: row.not_before_ms,
    expiresAtMs: row.expires_at_ms,
    scopes: readStoredScopes(row.scopes, 'keys.scopes'),
    scopesSetAtMs: row.scopes_set_at_ms,
    limits: readStoredLimits(row.limits, 'keys.limits'),
    delegation: readDelegation(row.delegation),
    tags: readStrings(row.tags, 'keys.tags'),
    revision: row.revision,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    updatedAtMs: row.updated_at_ms,
    revokedAtMs: row.revoked_at_ms,
    stateReason: row.state_reason,
    minting: readMinting(row.minting),
    ...(row.watched_since_ms > row.created_at_ms ? { watchedSinceMs: row.watched_since_ms } : {}),
    ...(row.reclaim_unused_ms === null ? {} : { reclaimUnusedMs: row.reclaim_unused_ms }),
    ...(row.last_used_at_ms === null ? {} : { lastUsedAtMs: row.last_used_at_ms }),
  };
}

function write(patch: Parameters<KeyRowStore['update']>[2]): Updateable<KeysTable> {
  return {
    ...(patch.applicationId !== undefined && { application_id: patch.applicationId }),
    ...(patch.name !== undefined && { name: patch.name }),
    ...(patch.environment !== undefined && { environment: patch.environment }),
    ...(patch.state !== undefined && { state: patch.state }),
    ...(patch.secrets !== undefined && {
      secrets: writeSecrets(patch.secrets),
      ...secretColumns(patch.secrets, patch.updatedAtMs ?? 0),
    }),
    ...(patch.notBeforeMs !== undefined && { not_before_ms: patch.notBeforeMs }),
    ...(patch.expiresAtMs !== undefined && { expires_at_ms: patch.expiresAtMs }),
    ...(patch.ownerId !== undefined && { owner_id: patch.ownerId }),
    ...(patch.suspension !== undefined && {
      suspension: patch.suspension === null ? null : JSON.stringify(patch.suspension),
    }),
    ...(patch.scopes !== undefined && { scopes: writeConstraints(patch.scopes) }),
    ...(patch.scopesSetAtMs !== undefined && { scopes_set_at_ms: patch.scopesSetAtMs }),
    ...(patch.delegation !== undefined && {
      delegation: patch.delegation === null ? null : JSON.stringify(patch.delegation),
    }),
    ...(patch.minting !== undefined && { minting: patch.minting === null ? null : JSON.stringify(patch.minting) }),
    ...(patch.limits !== undefined && { limits: writeConstraints(patch.limits) }),
    ...(patch.tags !== undefined && { tags: writeTags(patch.tags) }),
    ...(patch.updatedAtMs !== undefined && { updated_at_ms: patch.updatedAtMs }),
    ...(patch.revokedAtMs !== undefined && { revoked_at_ms: patch.revokedAtMs }),
    ...(patch.stateReason !== undefined && { state_reason: patch.stateReason }),
  };
}
