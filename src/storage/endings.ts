/**
 * What was ended, in a file of its own beside the database: a backup of the database that is put
 * back knows nothing of what was revoked, disabled or deleted since, and would bring it to life
 * again. Triggers of the connection write it in the same transaction as the change; at each start
 * what the database does not know any more is ended once more.
 */
import type { DatabaseSync } from 'node:sqlite';
import { dataPaths, ensurePrivateFile } from './data-folder.ts';

/** Tables whose rows can be disabled or deleted, with the columns that name a row, as SQL. */
const OWNERS: Readonly<Record<string, string>> = {
  workspaces: `new.id`,
  applications: `new.workspace_id || ' ' || new.id`,
  people: `new.workspace_id || ' ' || new.id`,
  teams: `new.workspace_id || ' ' || new.id`,
  memberships: `new.workspace_id || ' ' || new.team_id || ' ' || new.person_id`,
};

const UPSERT = 'on conflict (kind, name) do update set state = excluded.state, at_ms = excluded.at_ms';

/** Attaches the file of endings to a connection and keeps it written from then on. Returns how much the database had forgotten. */
export function attachEndings(database: DatabaseSync, dataDir: string, nowMs: number): number {
  const path = dataPaths.endings(dataDir);
  ensurePrivateFile(path);
  database.prepare('attach database ? as endings').run(path);
  database.exec(`
    pragma endings.journal_mode = wal;
    pragma endings.synchronous = full;
    create table if not exists endings.log (
      kind text not null, name text not null, state text not null, at_ms integer not null, primary key (kind, name)
    ) strict, without rowid;
  `);
  const forgotten = endAgain(database, nowMs);
  database.exec(triggers());
  return forgotten;
}

/** Not in force while `endAgain` runs: what is ended again was written down already. */
function triggers(): string {
  const owners = Object.entries(OWNERS).map(
    ([table, name]) => `
    create temp trigger ${table}_end after update of state, deleted_at_ms on main.${table} begin
      insert into endings.log (kind, name, state, at_ms)
        values ('${table}', ${name}, iif(new.deleted_at_ms is null, new.state, 'deleted'), new.updated_at_ms) ${UPSERT};
    end;`,
  );
  return `
    create temp trigger keys_end after update of state on main.keys when new.state in ('revoked', 'compromised') begin
      insert into endings.log (kind, name, state, at_ms) values ('keys', new.kid, new.state, new.updated_at_ms) ${UPSERT};
    end;
    create temp trigger admin_tokens_end after update of state on main.admin_tokens when new.state = 'revoked' begin
      insert into endings.log (kind, name, state, at_ms)
        values ('admin_tokens', new.kid, new.state, new.updated_at_ms) ${UPSERT};
    end;
    create temp trigger subscriptions_end after update of state on main.subscriptions begin
      insert into endings.log (kind, name, state, at_ms)
        values ('subscriptions', new.workspace_id || ' ' || new.id, new.state, new.updated_at_ms) ${UPSERT};
    end;
    create temp trigger secrets_end after update of secrets on main.keys when new.secrets <> old.secrets begin
      insert into endings.log (kind, name, state, at_ms)
        values ('secrets', new.kid, coalesce(new.secrets ->> '$[0].generation', 1), new.updated_at_ms) ${UPSERT};
    end;
    ${owners.join('\n')}`;
}

function endAgain(database: DatabaseSync, nowMs: number): number {
  database.exec('begin immediate');
  try {
    const count =
      endKeys(database, nowMs) +
      endSecrets(database, nowMs) +
      endAdminTokens(database, nowMs) +
      endSubscriptions(database, nowMs) +
      endOwners(database, nowMs);
    database.exec('commit');
    return count;
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

function endKeys(database: DatabaseSync, nowMs: number): number {
  return changes(
    database
      .prepare(
        `update main.keys set state = log.state, suspension = null, revoked_at_ms = log.at_ms, updated_at_ms = ?,
           revision = revision + 1, state_reason = 'ended before the database was put back'
         from endings.log as log
         where log.kind = 'keys' and log.name = keys.kid and keys.state in ('active', 'suspended')`,
      )
      .run(nowMs),
  );
}

function endAdminTokens(database: DatabaseSync, nowMs: number): number {
  return changes(
    database
      .prepare(
        `update main.admin_tokens set state = 'revoked', revoked_at_ms = log.at_ms, updated_at_ms = ?,
           revision = revision + 1, state_reason = 'ended before the database was put back'
         from endings.log as log
         where log.kind = 'admin_tokens' and log.name = admin_tokens.kid and admin_tokens.state <> 'revoked'`,
      )
      .run(nowMs),
  );
}

function endSubscriptions(database: DatabaseSync, nowMs: number): number {
  return changes(
    database
      .prepare(
        `update main.subscriptions set state = log.state, updated_at_ms = ?,
           state_reason = 'ended before the database was put back'
         from endings.log as log
         where log.kind = 'subscriptions' and log.name = subscriptions.workspace_id || ' ' || subscriptions.id
           and log.state in ('rejected', 'ended') and subscriptions.state in ('pending', 'approved')`,
      )
      .run(nowMs),
  );
}

/** A secret that was replaced is not accepted again; the one that replaced it is not known any more. */
function endSecrets(database: DatabaseSync, nowMs: number): number {
  const stale = database
    .prepare(
      `select kid, secrets from main.keys join endings.log as log on log.kind = 'secrets' and log.name = keys.kid
       where coalesce(secrets ->> '$[0].generation', 1) < cast(log.state as integer)
         and secrets ->> '$[0].state' <> 'superseded'`,
    )
    .all();
  const update = database.prepare('update main.keys set secrets = ?, revision = revision + 1 where kid = ?');
  for (const { kid, secrets } of stale) {
    // Written by this program, which reads it with checks at its next use.
    const ended = (JSON.parse(String(secrets)) as object[]).map((secret) => ({
      ...secret,
      state: 'superseded',
      notAfterMs: nowMs,
    }));
    update.run(JSON.stringify(ended), String(kid));
  }
  return stale.length;
}

function endOwners(database: DatabaseSync, nowMs: number): number {
  let count = 0;
  for (const [table, name] of Object.entries(OWNERS)) {
    const logged = `from endings.log as log where log.kind = '${table}' and log.name = ${name.replaceAll('new.', `${table}.`)}`;
    const set = (assignment: string, condition: string): number =>
      changes(
        database
          .prepare(`update main.${table} set ${assignment}, updated_at_ms = ? ${logged} and ${condition}`)
          .run(nowMs),
      );
    count += set('deleted_at_ms = log.at_ms', `log.state = 'deleted' and ${table}.deleted_at_ms is null`);
    count += set(`state = 'disabled'`, `log.state = 'disabled' and ${table}.state = 'active'`);
  }
  return count;
}

function changes(result: { readonly changes: number | bigint }): number {
  return Number(result.changes);
}
