import type { Migration } from './migration.ts';

/** Tokens of the admin API, and why calls with them were refused. */
export const adminTokens: Migration = {
  version: 7,
  name: 'admin tokens',
  sql: `
    create table admin_tokens (
      workspace_id text not null references workspaces (id),
      kid text not null primary key,
      name text not null,
      owner_id text,
      state text not null check (state in ('active', 'suspended', 'revoked')),
      state_reason text,
      permissions text not null,
      addresses text,
      secrets text not null,
      not_before_ms integer,
      expires_at_ms integer,
      revision integer not null,
      created_at_ms integer not null,
      created_by text not null,
      updated_at_ms integer not null,
      revoked_at_ms integer
    ) strict;
    create index admin_tokens_by_time on admin_tokens (workspace_id, created_at_ms, kid);

    create table admin_refusals (
      workspace_id text not null references workspaces (id),
      request_id text not null,
      kid text not null,
      at_ms integer not null,
      method text not null,
      path text not null,
      address text not null,
      status integer not null,
      code text not null,
      decision text not null,
      config_version integer not null,
      primary key (workspace_id, request_id)
    ) strict;
    create index admin_refusals_by_token on admin_refusals (workspace_id, kid, at_ms);
  `,
};
