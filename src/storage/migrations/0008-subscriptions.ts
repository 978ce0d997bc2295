import type { Migration } from './migration.ts';

/** What applications asked to call, and what was said to it. Those that are there already go on by their lists. */
export const subscriptions: Migration = {
  version: 8,
  name: 'subscriptions',
  sql: `
    create table subscriptions (
      workspace_id text not null references workspaces (id),
      id text not null,
      application_id text not null,
      kind text not null check (kind in ('model', 'service')),
      name text not null,
      state text not null check (state in ('pending', 'approved', 'rejected', 'ended')),
      state_reason text,
      requested_by text not null,
      decided_by text,
      created_at_ms integer not null,
      updated_at_ms integer not null,
      primary key (workspace_id, id),
      unique (workspace_id, application_id, kind, name),
      foreign key (workspace_id, application_id) references applications (workspace_id, id)
    ) strict;
    create index subscriptions_by_time on subscriptions (workspace_id, created_at_ms, id);
  `,
};
