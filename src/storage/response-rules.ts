import type { Insertable, Selectable } from 'kysely';
import type {
  Action,
  ActionKind,
  ResponseRuleRow,
  ResponseRuleStore,
  TriggerKind,
  When,
} from '../admin/response-stores.ts';
import { requireRow } from './affected.ts';
import { CorruptColumnError, readFields, readJson, readList } from './columns.ts';
import type { ResponseRulesTable } from './response-schema.ts';
import { readSelector } from './rotation-policies.ts';
import type { WorkspaceDb } from './workspace-plugin.ts';

/** Rules of one workspace that react to what happens to keys. */
export function createResponseRuleStore(db: WorkspaceDb): ResponseRuleStore {
  return {
    insert: async (row) => {
      await db
        .insertInto('response_rules')
        .values({ id: row.id, created_at_ms: row.createdAtMs, ...write(row) })
        .execute();
    },

    get: async (id) => {
      const row = await db.selectFrom('response_rules').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : read(row);
    },

    all: async () => {
      const rows = await db.selectFrom('response_rules').selectAll().orderBy('position').orderBy('id').execute();
      return rows.map((row) => read(row));
    },

    update: async (id, row) => {
      const query = db.updateTable('response_rules').set(write(row)).where('id', '=', id);
      requireRow((await query.executeTakeFirst()).numUpdatedRows);
    },

    delete: async (id) => {
      const query = db.deleteFrom('response_rules').where('id', '=', id);
      requireRow((await query.executeTakeFirst()).numDeletedRows);
    },
  };
}

function write(row: ResponseRuleRow): Omit<Insertable<ResponseRulesTable>, 'id' | 'created_at_ms' | 'workspace_id'> {
  return {
    name: row.name,
    position: row.position,
    state: row.state,
    selector: JSON.stringify(row.selector),
    trigger_when: JSON.stringify(row.when),
    actions: JSON.stringify(row.actions),
    cooldown_ms: row.cooldownMs,
    undo_after_ms: row.undoAfterMs,
    limit_per_hour: row.limitPerHour,
    counted_from_ms: row.countedFromMs,
    note: row.note,
    updated_at_ms: row.updatedAtMs,
  };
}

function read(row: Selectable<ResponseRulesTable>): ResponseRuleRow {
  return {
    id: row.id,
    name: row.name,
    position: row.position,
    state: readRuleState(row.state),
    selector: readSelector(row.selector, 'response_rules.selector'),
    when: readWhen(row.trigger_when),
    actions: readList(row.actions, 'response_rules.actions').map((action) => readAction(action)),
    cooldownMs: row.cooldown_ms,
    undoAfterMs: row.undo_after_ms,
    limitPerHour: row.limit_per_hour,
    countedFromMs: row.counted_from_ms,
    note: row.note,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function readRuleState(text: string): ResponseRuleRow['state'] {
  if (text === 'active' || text === 'dry-run' || text === 'disabled' || text === 'halted') return text;
  throw new CorruptColumnError('response_rules.state');
}

/** Complete by their types: a trigger or an action that this version does not know is refused. */
const TRIGGERS: Readonly<Record<TriggerKind, true>> = {
  repeated_failures: true,
  dead_key_use: true,
  owner_disabled: true,
  idle: true,
  budget: true,
  pool: true,
  leak: true,
  policy_violation: true,
};

const ACTIONS: Readonly<Record<ActionKind, true>> = {
  notify: true,
  'lower-limits': true,
  suspend: true,
  revoke: true,
  'mark-compromised': true,
  rotate: true,
};

export function readTriggerKind(value: unknown, place: string): TriggerKind {
  if (typeof value === 'string' && Object.hasOwn(TRIGGERS, value)) return value as TriggerKind;
  throw new CorruptColumnError(place);
}

function readWhen(json: string): When {
  const place = 'response_rules.trigger_when';
  const fields = readFields(readJson(json, place), place);
  readTriggerKind(fields['kind'], place);
  // Written by this program out of checked input; the kind was looked at just now.
  return fields as When;
}

function readAction(value: unknown): Action {
  const place = 'response_rules.actions';
  const fields = readFields(value, place);
  requireActionKind(fields['kind'], place);
  // As above.
  return fields as Action;
}

export function requireActionKind(value: unknown, place: string): void {
  if (typeof value !== 'string' || !Object.hasOwn(ACTIONS, value)) throw new CorruptColumnError(place);
}
