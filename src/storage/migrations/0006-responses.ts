import type { Migration } from './migration.ts';

/**
 * Rules that react to what happens to keys, what they did, and since when a temporary key may be
 * taken back unused. Workspaces that are there already get the one rule that must not be missing:
 * a key that a scanner found is suspended.
 */
export const responses: Migration = {
  version: 6,
  name: 'responses',
  sql: `
    alter table keys add column reclaim_unused_ms integer;
    alter table keys add column reclaimed integer not null default 0;
    create index keys_reclaimable on keys (workspace_id, kid)
      where reclaim_unused_ms is not null and state = 'active';

    create table response_rules (
      workspace_id text not null references workspaces (id),
      id text not null,
      name text not null,
      position integer not null,
      state text not null check (state in ('active', 'dry-run', 'disabled', 'halted')),
      selector text not null,
      trigger_when text not null,
      actions text not null,
      cooldown_ms integer not null,
      undo_after_ms integer,
      limit_per_hour integer not null,
      counted_from_ms integer not null,
      note text,
      created_at_ms integer not null,
      updated_at_ms integer not null,
      primary key (workspace_id, id)
    ) strict;

    create table responses (
      workspace_id text not null references workspaces (id),
      id text not null,
      rule_id text not null,
      rule_name text not null,
      trigger_kind text not null,
      subject_kind text not null check (subject_kind in ('key', 'network')),
      subject_id text not null,
      state text not null check (state in
        ('pending', 'in-force', 'done', 'undone', 'expired', 'superseded', 'dry-run', 'failed')),
      evidence text not null,
      effects text not null,
      created_at_ms integer not null,
      in_force_at_ms integer,
      expires_at_ms integer,
      ended_at_ms integer,
      ended_by text,
      ended_reason text,
      primary key (workspace_id, id)
    ) strict;
    create index responses_by_time on responses (workspace_id, created_at_ms, id);
    create index responses_by_rule on responses (workspace_id, rule_id, created_at_ms);
    create index responses_by_subject on responses (workspace_id, subject_id, created_at_ms);
    create index responses_open on responses (workspace_id, id) where state in ('pending', 'in-force');

    insert into response_rules
      select id, 'rul_leaked_keys', 'Leaked keys are suspended', 1, 'active',
        '{"applicationIds":null,"teamIds":null,"tags":null,"environment":null}',
        '{"kind":"leak"}', '[{"kind":"suspend"},{"kind":"notify","severity":"critical"}]',
        3600000, null, 100, 0, null,
        cast(unixepoch('subsec') * 1000 as integer), cast(unixepoch('subsec') * 1000 as integer)
      from workspaces;
  `,
};
