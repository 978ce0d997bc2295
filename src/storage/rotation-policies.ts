import type { Insertable, Selectable } from 'kysely';
import type { Delivery, KeySelector, RotationPolicyRow, RotationPolicyStore } from '../admin/key-life-stores.ts';
import type { WhenUnused } from '../keys/rotate.ts';
import { requireRow } from './affected.ts';
import { CorruptColumnError, readEnvironment, readFields, readJson, readState, readStrings } from './columns.ts';
import type { RotationPoliciesTable } from './key-life-schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Rules of rotation of one workspace. */
export function createRotationPolicyStore(db: WorkspaceDb): RotationPolicyStore {
  return {
    insert: async (row) => {
      await db
        .insertInto('rotation_policies')
        .values({ id: row.id, created_at_ms: row.createdAtMs, ...write(row) })
        .execute();
    },

    get: async (id) => {
      const row = await db.selectFrom('rotation_policies').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    all: async () => {
      const rows = await db.selectFrom('rotation_policies').selectAll().orderBy('position').orderBy('id').execute();
      return rows.map((row) => read(row));
    },

    update: async (id, row) => {
      const query = db.updateTable('rotation_policies').set(write(row)).where('id', '=', id);
      requireRow((await query.executeTakeFirst()).numUpdatedRows);
    },

    delete: async (id) => {
      const query = db.deleteFrom('rotation_policies').where('id', '=', id);
      requireRow((await query.executeTakeFirst()).numDeletedRows);
    },
  };
}

function write(
  row: RotationPolicyRow,
): Omit<Insertable<RotationPoliciesTable>, 'id' | 'created_at_ms' | 'workspace_id'> {
  return {
    name: row.name,
    position: row.position,
    state: row.state,
    selector: JSON.stringify(row.selector),
    interval_ms: row.intervalMs,
    maximum_age_ms: row.maximumAgeMs,
    overlap_ms: row.overlapMs,
    when_unused: row.whenUnused === null ? null : JSON.stringify(row.whenUnused),
    delivery: JSON.stringify(row.delivery),
    idle_after_ms: row.idleAfterMs,
    suspend_idle: row.suspendIdle ? 1 : 0,
    updated_at_ms: row.updatedAtMs,
  };
}

function read(row: Selectable<RotationPoliciesTable>): RotationPolicyRow {
  return {
    id: row.id,
    name: row.name,
    position: row.position,
    state: readState(row.state, 'rotation_policies.state'),
    selector: readSelector(row.selector, 'rotation_policies.selector'),
    intervalMs: row.interval_ms,
    maximumAgeMs: row.maximum_age_ms,
    overlapMs: row.overlap_ms,
    whenUnused: row.when_unused === null ? null : readWhenUnused(row.when_unused),
    delivery: readDelivery(row.delivery),
    idleAfterMs: row.idle_after_ms,
    suspendIdle: row.suspend_idle === 1,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

export function readSelector(json: string, place: string): KeySelector {
  const { applicationIds, teamIds, tags, environment } = readFields(readJson(json, place), place);
  const names = (value: unknown) => (value === null ? null : readStrings(JSON.stringify(value), place));
  return {
    applicationIds: names(applicationIds),
    teamIds: names(teamIds),
    tags: names(tags),
    environment: typeof environment === 'string' ? readEnvironment(environment) : null,
  };
}

function readWhenUnused(json: string): WhenUnused {
  const place = 'rotation_policies.when_unused';
  const { unusedForMs, latestMs } = readFields(readJson(json, place), place);
  if (typeof unusedForMs === 'number' && typeof latestMs === 'number') return { unusedForMs, latestMs };
  throw new CorruptColumnError(place);
}

function readDelivery(json: string): Delivery {
  const place = 'rotation_policies.delivery';
  const { kind, webhookId } = readFields(readJson(json, place), place);
  if (kind === 'none' || kind === 'reveal-link') return { kind };
  if (kind === 'webhook' && typeof webhookId === 'string') return { kind, webhookId };
  throw new CorruptColumnError(place);
}
