import type { Migration } from './migration.ts';

/**
 * Composite keys begin with the workspace, so that a reference cannot cross one. `strict` makes
 * SQLite refuse a value of another type than its column's.
 */
export const initial: Migration = {
  version: 1,
  name: 'initial',
  sql: `
    create table workspaces (
      id text not null primary key,
      name text not null,
      state text not null check (state in ('active', 'disabled')),
      created_at_ms integer not null
    ) strict;

    create table meta (
      name text not null primary key,
      value blob not null
    ) strict;

    create table peppers (
      version integer not null primary key,
      wrapped blob not null,
      created_at_ms integer not null
    ) strict;

    create table data_keys (
      workspace_id text not null references workspaces (id),
      version integer not null,
      wrapped blob not null,
      created_at_ms integer not null,
      primary key (workspace_id, version)
    ) strict;

    create table applications (
      workspace_id text not null references workspaces (id),
      id text not null,
      name text not null,
      state text not null check (state in ('active', 'disabled')),
      subscribed_models text not null,
      is_default integer not null check (is_default in (0, 1)),
      created_at_ms integer not null,
      updated_at_ms integer not null,
      primary key (workspace_id, id)
    ) strict;
    create index applications_by_time on applications (workspace_id, created_at_ms, id);
    create unique index applications_one_default on applications (workspace_id) where is_default = 1;

    create table keys (
      kid text not null primary key,
      workspace_id text not null references workspaces (id),
      application_id text not null,
      name text not null,
      environment text not null check (environment in ('live', 'test')),
      state text not null check (state in ('active', 'suspended', 'revoked', 'compromised')),
      secrets text not null,
      not_before_ms integer,
      expires_at_ms integer,
      scopes text not null,
      limits text not null,
      tags text not null,
      revision integer not null,
      created_at_ms integer not null,
      created_by text not null,
      updated_at_ms integer not null,
      revoked_at_ms integer,
      state_reason text,
      foreign key (workspace_id, application_id) references applications (workspace_id, id)
    ) strict;
    create index keys_by_time on keys (workspace_id, created_at_ms, kid);
    create index keys_by_application on keys (workspace_id, application_id, created_at_ms, kid);

    create table providers (
      workspace_id text not null references workspaces (id),
      id text not null,
      dialect text,
      base_url text,
      state text not null check (state in ('active', 'disabled')),
      models text not null,
      created_at_ms integer not null,
      updated_at_ms integer not null,
      primary key (workspace_id, id)
    ) strict;

    create table credentials (
      workspace_id text not null references workspaces (id),
      id text not null,
      provider_id text not null,
      name text not null,
      weight real not null,
      state text not null check (state in ('active', 'disabled')),
      hint text not null,
      secret blob not null,
      secret_version integer not null,
      data_key_version integer not null,
      created_at_ms integer not null,
      updated_at_ms integer not null,
      primary key (workspace_id, id),
      foreign key (workspace_id, data_key_version) references data_keys (workspace_id, version)
    ) strict;
    create index credentials_by_time on credentials (workspace_id, created_at_ms, id);

    create table aliases (
      workspace_id text not null references workspaces (id),
      id text not null,
      targets text not null,
      created_at_ms integer not null,
      updated_at_ms integer not null,
      primary key (workspace_id, id)
    ) strict;

    create table audit_events (
      workspace_id text not null references workspaces (id),
      id text not null,
      at_ms integer not null,
      actor text not null,
      action text not null,
      target_kind text not null,
      target_id text not null,
      reason text,
      before text not null,
      after text not null,
      request_id text not null,
      client_address text not null,
      primary key (workspace_id, id)
    ) strict;
    create index audit_events_by_time on audit_events (workspace_id, at_ms, id);
    create index audit_events_by_target on audit_events (workspace_id, target_id, at_ms, id);
    create trigger audit_events_stay before update on audit_events
      begin select raise(abort, 'audit events are never changed'); end;
    create trigger audit_events_remain before delete on audit_events
      begin select raise(abort, 'audit events are never deleted'); end;
  `,
};
