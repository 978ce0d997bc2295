import type { Migration } from './migration.ts';

/**
 * What the jobs behind the life of a key need: when they last ran, who uses which secret, rules of
 * rotation, what is on its way to whoever is to have a new secret, and what people should look at.
 */
export const rotationAndDelivery: Migration = {
  version: 3,
  name: 'rotation and delivery',
  sql: `
    alter table keys add column last_used_at_ms integer;
    alter table keys add column watched_since_ms integer not null default 0;
    alter table keys add column secret_since_ms integer not null default 0;
    alter table keys add column ends_early integer not null default 0 check (ends_early in (0, 1));
    update keys set
      watched_since_ms = cast(unixepoch('subsec') * 1000 as integer),
      secret_since_ms = coalesce(
        json_extract(secrets, '$[0].createdAtMs'), json_extract(secrets, '$[1].retiringSinceMs'), created_at_ms);
    create index keys_by_secret_age on keys (workspace_id, secret_since_ms);
    create index keys_ending_early on keys (workspace_id, kid) where ends_early = 1;
    create index keys_by_expiry on keys (workspace_id, expires_at_ms) where expires_at_ms is not null;

    create table jobs (
      name text not null primary key,
      due_at_ms integer not null,
      lease_owner text,
      lease_until_ms integer,
      started_at_ms integer,
      finished_at_ms integer,
      succeeded_at_ms integer,
      failures integer not null,
      last_error text
    ) strict;

    create table key_activity (
      workspace_id text not null references workspaces (id),
      kid text not null,
      last_used_at_ms integer not null,
      last_address text not null,
      generations text not null,
      callers text not null,
      primary key (workspace_id, kid)
    ) strict;

    create index key_activity_by_use on key_activity (workspace_id, last_used_at_ms);

    create table rotation_policies (
      workspace_id text not null references workspaces (id),
      id text not null,
      name text not null,
      position integer not null,
      state text not null check (state in ('active', 'disabled')),
      selector text not null,
      interval_ms integer,
      maximum_age_ms integer,
      overlap_ms integer not null,
      when_unused text,
      delivery text not null,
      idle_after_ms integer,
      suspend_idle integer not null check (suspend_idle in (0, 1)),
      created_at_ms integer not null,
      updated_at_ms integer not null,
      primary key (workspace_id, id)
    ) strict;

    create table reveals (
      id text not null primary key,
      workspace_id text not null references workspaces (id),
      kid text not null,
      hash text not null,
      pepper_version integer not null,
      sealed blob,
      data_key_version integer not null,
      expires_at_ms integer not null,
      created_at_ms integer not null,
      created_by text not null,
      opened_at_ms integer,
      foreign key (workspace_id, data_key_version) references data_keys (workspace_id, version)
    ) strict;
    create index reveals_by_key on reveals (workspace_id, kid, created_at_ms);

    create table webhooks (
      workspace_id text not null references workspaces (id),
      id text not null,
      name text not null,
      url text not null,
      events text not null,
      state text not null check (state in ('active', 'disabled')),
      public_key text,
      secret blob not null,
      secret_version integer not null,
      data_key_version integer not null,
      created_at_ms integer not null,
      updated_at_ms integer not null,
      primary key (workspace_id, id),
      foreign key (workspace_id, data_key_version) references data_keys (workspace_id, version)
    ) strict;

    create table outbox (
      workspace_id text not null references workspaces (id),
      id text not null,
      webhook_id text not null,
      event_id text not null,
      event_type text not null,
      body text not null,
      state text not null check (state in ('waiting', 'delivered', 'failed')),
      attempts integer not null,
      due_at_ms integer not null,
      created_at_ms integer not null,
      finished_at_ms integer,
      last_status integer,
      last_error text,
      primary key (workspace_id, id)
    ) strict;
    create index outbox_waiting on outbox (workspace_id, webhook_id, due_at_ms, id) where state = 'waiting';
    create index outbox_by_webhook on outbox (workspace_id, webhook_id, created_at_ms, id);

    create table alerts (
      workspace_id text not null references workspaces (id),
      id text not null,
      kind text not null,
      severity text not null check (severity in ('info', 'warning', 'critical')),
      subject_kind text not null,
      subject_id text not null,
      dedupe_key text not null,
      message text not null,
      detail text not null,
      state text not null check (state in ('open', 'acknowledged', 'resolved')),
      first_seen_at_ms integer not null,
      last_seen_at_ms integer not null,
      acknowledged_at_ms integer,
      acknowledged_by text,
      resolved_at_ms integer,
      primary key (workspace_id, id)
    ) strict;
    create unique index alerts_one_a_condition on alerts (workspace_id, dedupe_key) where state <> 'resolved';
    create index alerts_by_time on alerts (workspace_id, first_seen_at_ms, id);
    create index alerts_by_kind on alerts (workspace_id, kind, last_seen_at_ms) where state <> 'resolved';
  `,
};
