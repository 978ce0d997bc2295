import type { Kysely, Selectable } from 'kysely';
import type { JobRow, JobStore } from '../admin/key-life-stores.ts';
import type { JobsTable } from './key-life-schema.ts';
import type { Tables } from './schema.ts';

/** When each job ran, and who runs it now. */
export function createJobStore(db: Kysely<Tables>): JobStore {
  return {
    list: async () => (await db.selectFrom('jobs').selectAll().orderBy('name').execute()).map((row) => read(row)),

    take: (name, { owner, nowMs, leaseUntilMs }) =>
      db.transaction().execute(async (trx) => {
        const known = await trx.selectFrom('jobs').selectAll().where('name', '=', name).executeTakeFirst();
        // A job that never ran is due.
        if (known === undefined) await trx.insertInto('jobs').values({ name, due_at_ms: nowMs, failures: 0 }).execute();
        else if (known.due_at_ms > nowMs || (known.lease_until_ms !== null && known.lease_until_ms > nowMs))
          return null;
        const lease = { lease_owner: owner, lease_until_ms: leaseUntilMs, started_at_ms: nowMs };
        const taken = await trx.updateTable('jobs').set(lease).where('name', '=', name).returningAll().execute();
        return taken[0] === undefined ? null : read(taken[0]);
      }),

    renew: async (name, { owner, leaseUntilMs }) => {
      const query = db.updateTable('jobs').set({ lease_until_ms: leaseUntilMs });
      const result = await query.where('name', '=', name).where('lease_owner', '=', owner).executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },

    finish: (name, { owner, nowMs, dueAtMs, error }) =>
      db.transaction().execute(async (trx) => {
        const held = await trx
          .selectFrom('jobs')
          .select('failures')
          .where('name', '=', name)
          .where('lease_owner', '=', owner)
          .executeTakeFirst();
        if (held === undefined) return;
        await trx
          .updateTable('jobs')
          .set({
            due_at_ms: dueAtMs,
            lease_owner: null,
            lease_until_ms: null,
            finished_at_ms: nowMs,
            ...(error === null ? { succeeded_at_ms: nowMs } : {}),
            failures: error === null ? 0 : held.failures + 1,
            last_error: error,
          })
          .where('name', '=', name)
          .execute();
      }),
  };
}

function read(row: Selectable<JobsTable>): JobRow {
  return {
    name: row.name,
    dueAtMs: row.due_at_ms,
    leaseOwner: row.lease_owner,
    leaseUntilMs: row.lease_until_ms,
    startedAtMs: row.started_at_ms,
    finishedAtMs: row.finished_at_ms,
    succeededAtMs: row.succeeded_at_ms,
    failures: row.failures,
    lastError: row.last_error,
  };
}
