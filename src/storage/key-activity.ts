import type { Selectable } from 'kysely';
import type { KeyActivityStore } from '../admin/key-life-stores.ts';
import { mergeActivity } from '../calls/key-activity.ts';
import type { CallerActivity, GenerationActivity, KeyActivity } from '../calls/key-activity.ts';
import { CorruptColumnError, readFields, readList } from './columns.ts';
import type { KeyActivityTable } from './key-life-schema.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Who uses the keys of one workspace: one row a key, written in batches. */
export function createKeyActivityStore(db: WorkspaceDb): KeyActivityStore {
  const get = async (kid: string): Promise<KeyActivity | null> => {
    const row = await db.selectFrom('key_activity').selectAll().where('kid', '=', kid).executeTakeFirst();
    return row === undefined ? null : read(row);
  };

  const add = async (activity: KeyActivity): Promise<void> => {
    const stored = await get(activity.kid);
    const merged = stored === null ? activity : mergeActivity(stored, activity);
    const values = {
      last_used_at_ms: merged.lastUsedAtMs,
      last_address: merged.lastAddress,
      generations: JSON.stringify(merged.generations),
      callers: JSON.stringify(merged.callers),
    };
    if (stored === null)
      await db
        .insertInto('key_activity')
        .values({ kid: activity.kid, ...values })
        .execute();
    else await db.updateTable('key_activity').set(values).where('kid', '=', activity.kid).execute();
    // Beside the changes of the key: its revision stays.
    await db
      .updateTable('keys')
      .set({ last_used_at_ms: merged.lastUsedAtMs })
      .where('kid', '=', activity.kid)
      .execute();
  };

  return {
    get,
    add: async (activities) => {
      for (const activity of activities) await add(activity);
    },
    prune: async (beforeMs) => {
      await db.deleteFrom('key_activity').where('last_used_at_ms', '<', beforeMs).execute();
    },
  };
}

function read(row: Selectable<KeyActivityTable>): KeyActivity {
  return {
    kid: row.kid,
    lastUsedAtMs: row.last_used_at_ms,
    lastAddress: row.last_address,
    generations: readList(row.generations, 'key_activity.generations').map(readGeneration),
    callers: readList(row.callers, 'key_activity.callers').map(readCaller),
  };
}

function readGeneration(value: unknown): GenerationActivity {
  const place = 'key_activity.generations';
  const { generation, calls, lastMs } = readFields(value, place);
  if (typeof generation === 'number' && typeof calls === 'number' && typeof lastMs === 'number') {
    return { generation, calls, lastMs };
  }
  throw new CorruptColumnError(place);
}

function readCaller(value: unknown): CallerActivity {
  const place = 'key_activity.callers';
  const { network, agent, firstMs } = readFields(value, place);
  if (typeof network === 'string' && typeof agent === 'string' && typeof firstMs === 'number') {
    return { ...readGeneration(value), network, agent, firstMs };
  }
  throw new CorruptColumnError(place);
}
