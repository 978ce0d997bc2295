import type { Migration } from './migration.ts';

/** Cases of keys that do not work: each a process of steps, whose state and evidence are kept. */
export const cases: Migration = {
  version: 4,
  name: 'cases',
  sql: `
    create table cases (
      workspace_id text not null references workspaces (id),
      id text not null,
      kid text not null,
      new_kid text,
      state text not null check (state in ('open', 'resolved', 'closed')),
      opened_by text not null,
      steps text not null,
      closed_reason text,
      revision integer not null,
      created_at_ms integer not null,
      updated_at_ms integer not null,
      primary key (workspace_id, id)
    ) strict;
    create index cases_by_time on cases (workspace_id, created_at_ms, id);
    create index cases_by_key on cases (workspace_id, kid, created_at_ms, id);
  `,
};
