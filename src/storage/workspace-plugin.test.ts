import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import type { Tables } from './schema.ts';
import { kyselyOver } from './sqlite.ts';
import { workspacePlugin } from './workspace-plugin.ts';

// Plugins work at compile time: no table is needed.
const db: Kysely<Tables> = kyselyOver<Tables>(new DatabaseSync(':memory:')).withPlugin(workspacePlugin('ws_a'));

test('a select is confined, and an "or" in it does not open it', () => {
  const query = db
    .selectFrom('keys')
    .select('kid')
    .where((eb) => eb.or([eb('name', '=', 'x'), eb('name', '=', 'y')]))
    .compile();
  expect(query.sql).toBe('select "kid" from "keys" where "keys"."workspace_id" = ? and (("name" = ? or "name" = ?))');
  expect(query.parameters).toEqual(['ws_a', 'x', 'y']);
});

test('an "or" added without brackets stays inside the workspace', () => {
  const query = db
    .selectFrom('keys')
    .select('kid')
    .where('name', '=', 'x')
    .where((eb) => eb.lit(true))
    .compile();
  expect(query.sql).toMatch(/where "keys"\."workspace_id" = \? and \(/);
});

test('joins, aliases and sub-queries are confined each for itself', () => {
  const query = db
    .selectFrom('keys as k')
    .innerJoin('applications as a', 'a.id', 'k.application_id')
    .leftJoin('providers', (join) => join.on('providers.id', '=', 'x'))
    .select((eb) => ['k.kid', eb.selectFrom('aliases').select('id').limit(1).as('one')])
    .where('k.kid', 'in', (eb) => eb.selectFrom('keys as inner').select('inner.kid'))
    .compile();
  for (const table of ['k', 'a', 'providers', 'aliases', 'inner']) {
    expect(query.sql).toContain(`"${table}"."workspace_id" = ?`);
  }
  expect(query.parameters.filter((value) => value === 'ws_a')).toHaveLength(5);
});

test('a sub-query as a table and both sides of a union are confined', () => {
  const query = db
    .selectFrom((eb) => eb.selectFrom('keys').select('kid').as('inner'))
    .select('kid')
    .unionAll(db.selectFrom('keys').select('kid'))
    .compile();
  // A query that is an argument of another goes through the plugin twice, which is harmless.
  expect(query.sql.match(/"workspace_id" = \?/g)?.length).toBe(query.parameters.length);
  expect(query.sql.split('union all').every((side) => side.includes('"keys"."workspace_id" = ?'))).toBe(true);
});

test('updates and deletes are confined', () => {
  const update = db.updateTable('keys').set({ name: 'x' }).where('kid', '=', 'k').compile();
  expect(update.sql).toBe('update "keys" set "name" = ? where "keys"."workspace_id" = ? and ("kid" = ?)');
  expect(db.deleteFrom('keys').compile().sql).toBe('delete from "keys" where "keys"."workspace_id" = ?');
});

const alias = { id: 'fast', targets: '[]', created_at_ms: 1, updated_at_ms: 1 };

test('every inserted row gets the workspace, and a differing one is refused', () => {
  const query = db
    .insertInto('aliases')
    .values([alias, { ...alias, id: 'slow' }])
    .compile();
  expect(query.parameters.filter((value) => value === 'ws_a')).toHaveLength(2);
  expect(
    db
      .insertInto('aliases')
      .values({ ...alias, workspace_id: 'ws_a' })
      .compile().sql,
  ).toContain('"workspace_id"');
  expect(() =>
    db
      .insertInto('aliases')
      .values({ ...alias, workspace_id: 'ws_b' })
      .compile(),
  ).toThrow(/another workspace/);
  expect(() =>
    db
      .insertInto('aliases')
      .values([
        { ...alias, workspace_id: 'ws_a' },
        { ...alias, id: (eb) => eb.val('x'), workspace_id: 'ws_b' },
      ])
      .compile(),
  ).toThrow(/another workspace/);
  expect(() =>
    db
      .insertInto('aliases')
      .values([{ ...alias, workspace_id: 'ws_a' }, alias])
      .compile(),
  ).toThrow(/another workspace/);
});

test.each<readonly [string, () => unknown]>([
  ['a table of the deployment', () => db.selectFrom('workspaces').selectAll().compile()],
  [
    'a table of the deployment in a join',
    () => db.selectFrom('keys').innerJoin('peppers', 'peppers.version', 'keys.revision').selectAll().compile(),
  ],
  [
    'a table of the deployment in a sub-query',
    () =>
      db
        .selectFrom('keys')
        .select((eb) => eb.selectFrom('meta').select('value').as('v'))
        .compile(),
  ],
  ['raw SQL as a query', () => sql`select * from keys`.compile(db)],
  [
    'raw SQL as a table',
    () =>
      db
        .selectFrom(sql<{ kid: string }>`keys`.as('k'))
        .selectAll()
        .compile(),
  ],
  [
    'raw SQL as a condition',
    () =>
      db
        .selectFrom('keys')
        .selectAll()
        .where(sql<boolean>`1 = 1 or 1`)
        .compile(),
  ],
  [
    'a common table expression',
    () =>
      db
        .with('x', (q) => q.selectFrom('keys').selectAll())
        .selectFrom('x')
        .selectAll()
        .compile(),
  ],
  [
    'a right join',
    () =>
      db.selectFrom('keys').rightJoin('applications', 'applications.id', 'keys.application_id').selectAll().compile(),
  ],
  [
    'a full join',
    () =>
      db.selectFrom('keys').fullJoin('applications', 'applications.id', 'keys.application_id').selectAll().compile(),
  ],
  ['an update from', () => db.updateTable('keys').from('applications').set({ name: 'x' }).compile()],
  [
    'an upsert',
    () =>
      db
        .insertInto('aliases')
        .values(alias)
        .onConflict((oc) => oc.column('id').doUpdateSet({ targets: '' }))
        .compile(),
  ],
  ['an insert or replace', () => db.insertInto('aliases').orReplace().values(alias).compile()],
  ['a replace', () => db.replaceInto('aliases').values(alias).compile()],
  [
    'an insert from a select',
    () =>
      db
        .insertInto('aliases')
        .columns(['id'])
        .expression((eb) => eb.selectFrom('keys').select('kid'))
        .compile(),
  ],
  ['an insert of defaults', () => db.insertInto('aliases').defaultValues().compile()],
  ['a change of the schema', () => db.schema.dropTable('keys').compile()],
  [
    'a merge',
    () =>
      db
        .mergeInto('keys')
        .using('applications', 'applications.id', 'keys.application_id')
        .whenMatched()
        .thenDelete()
        .compile(),
  ],
])('%s is refused, not let by', (_name, compile) => {
  expect(compile).toThrow(/^A query of a workspace must not use /);
});

test('the workspace of a row cannot be changed', () => {
  const changes = { workspace_id: 'ws_b' } as unknown as { name: string };
  expect(() => db.updateTable('keys').set(changes).compile()).toThrow(/update of workspace_id/);
});
