import type { Migration } from './migration.ts';

/**
 * People, teams and memberships, with constraints on everything that a key stands on. What is
 * deleted keeps its row, with the time, so that it can be restored and its name stays known to the
 * records that mention it.
 */
export const ownersAndConstraints: Migration = {
  version: 2,
  name: 'owners and constraints',
  sql: `
    create table people (
      workspace_id text not null references workspaces (id),
      id text not null,
      name text not null,
      email text,
      state text not null check (state in ('active', 'disabled')),
      created_at_ms integer not null,
      updated_at_ms integer not null,
      deleted_at_ms integer,
      primary key (workspace_id, id)
    ) strict;
    create index people_by_time on people (workspace_id, created_at_ms, id);
    create unique index people_by_email on people (workspace_id, email) where email is not null and deleted_at_ms is null;

    create table teams (
      workspace_id text not null references workspaces (id),
      id text not null,
      name text not null,
      state text not null check (state in ('active', 'disabled')),
      scopes text not null,
      scopes_set_at_ms integer not null,
      limits text not null,
      created_at_ms integer not null,
      updated_at_ms integer not null,
      deleted_at_ms integer,
      primary key (workspace_id, id)
    ) strict;
    create index teams_by_time on teams (workspace_id, created_at_ms, id);

    create table memberships (
      workspace_id text not null references workspaces (id),
      team_id text not null,
      person_id text not null,
      role text not null check (role in ('admin', 'member', 'viewer')),
      state text not null check (state in ('active', 'disabled')),
      created_at_ms integer not null,
      updated_at_ms integer not null,
      deleted_at_ms integer,
      primary key (workspace_id, team_id, person_id),
      foreign key (workspace_id, team_id) references teams (workspace_id, id),
      foreign key (workspace_id, person_id) references people (workspace_id, id)
    ) strict;
    create index memberships_by_person on memberships (workspace_id, person_id, team_id);

    alter table workspaces add column scopes text not null default '{}';
    alter table workspaces add column scopes_set_at_ms integer not null default 0;
    alter table workspaces add column limits text not null default '{}';
    alter table workspaces add column updated_at_ms integer not null default 0;
    alter table workspaces add column deleted_at_ms integer;

    alter table applications add column owner_id text;
    alter table applications add column team_id text;
    alter table applications add column subscribed_services text not null default '[]';
    alter table applications add column scopes text not null default '{}';
    alter table applications add column scopes_set_at_ms integer not null default 0;
    alter table applications add column limits text not null default '{}';
    alter table applications add column deleted_at_ms integer;
    create index applications_by_owner on applications (workspace_id, owner_id) where owner_id is not null;
    create index applications_by_team on applications (workspace_id, team_id) where team_id is not null;

    alter table keys add column type text not null default 'kwk' check (type in ('kwk', 'kwt'));
    alter table keys add column parent_kid text;
    alter table keys add column binding text;
    alter table keys add column owner_id text;
    alter table keys add column suspension text;
    alter table keys add column scopes_set_at_ms integer not null default 0;
    alter table keys add column delegation text;
    alter table keys add column minting text;
    update keys set scopes_set_at_ms = updated_at_ms;
    create index keys_by_owner on keys (workspace_id, owner_id) where owner_id is not null;
    create index keys_by_parent on keys (workspace_id, parent_kid, created_at_ms, kid) where parent_kid is not null;

    create table catalogue (
      workspace_id text not null references workspaces (id),
      name text not null,
      since_ms integer not null,
      primary key (workspace_id, name)
    ) strict;
  `,
};
