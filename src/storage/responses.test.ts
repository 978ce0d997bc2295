import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { ResponseRow } from '../admin/response-stores.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { createResponseRuleStore } from './response-rules.ts';
import { createResponseStore } from './responses.ts';
import type { Tables } from './schema.ts';
import { kyselyOver } from './sqlite.ts';
import { confine } from './workspace-plugin.ts';

/** A database of the version before, with two workspaces, brought forward. */
function upgraded() {
  const database = new DatabaseSync(':memory:');
  const step = MIGRATIONS.findIndex(({ name }) => name === 'responses');
  for (const { sql } of MIGRATIONS.slice(0, step)) database.exec(sql);
  for (const id of ['ws_a', 'ws_b']) {
    database.exec(`insert into workspaces (id, name, state, created_at_ms) values ('${id}', 'W', 'active', 1)`);
  }
  for (const { sql } of MIGRATIONS.slice(step)) database.exec(sql);
  const db = kyselyOver<Tables>(database);
  return {
    database,
    rulesOf: (id: string) => createResponseRuleStore(confine(db, id)),
    responsesOf: (id: string) => createResponseStore(confine(db, id)),
  };
}

test('workspaces of before are given the rule that suspends leaked keys, each its own', async () => {
  const { rulesOf } = upgraded();
  expect(await rulesOf('ws_a').all()).toMatchObject([
    {
      state: 'active',
      when: { kind: 'leak' },
      actions: [{ kind: 'suspend' }, { kind: 'notify', severity: 'critical' }],
      selector: { applicationIds: null, teamIds: null, tags: null, environment: null },
    },
  ]);
  const [rule] = await rulesOf('ws_a').all();
  await rulesOf('ws_a').delete(rule?.id ?? '');
  expect([(await rulesOf('ws_a').all()).length, (await rulesOf('ws_b').all()).length]).toEqual([0, 1]);
});

test('what a rule did is read as it was written, in its workspace only, and forgotten when it has ended', async () => {
  const { responsesOf } = upgraded();
  const row: ResponseRow = {
    id: 'res_1',
    ruleId: 'rul_1',
    ruleName: 'r',
    trigger: 'leak',
    subjectKind: 'key',
    subjectId: 'k1',
    state: 'in-force',
    evidence: 'e',
    effects: [{ kind: 'suspend', untilMs: 9 }],
    createdAtMs: 5,
    inForceAtMs: 6,
    expiresAtMs: 9,
    endedAtMs: null,
    endedBy: null,
    endedReason: null,
  };
  await responsesOf('ws_a').insert(row);
  expect(await responsesOf('ws_a').openOf('k1')).toEqual([row]);
  expect(await responsesOf('ws_b').openOf('k1')).toEqual([]);
  await responsesOf('ws_a').prune(100);
  expect(await responsesOf('ws_a').get('res_1')).toEqual(row);
  await responsesOf('ws_a').update('res_1', { state: 'expired', endedAtMs: 9 });
  await responsesOf('ws_a').prune(100);
  expect(await responsesOf('ws_a').get('res_1')).toBeNull();
});

test('a trigger or an action of a newer version is refused, not passed over', async () => {
  const { database, rulesOf } = upgraded();
  database.exec(`update response_rules set trigger_when = '{"kind":"telepathy"}' where workspace_id = 'ws_a'`);
  database.exec(`update response_rules set actions = '[{"kind":"explode"}]' where workspace_id = 'ws_b'`);
  for (const id of ['ws_a', 'ws_b']) await expect(rulesOf(id).all()).rejects.toThrow('unexpected value');
});
