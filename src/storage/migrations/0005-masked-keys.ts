import type { Migration } from './migration.ts';

/** Keys that stand for one real key of a provider, and what a backend that embeds them proves itself by. */
export const maskedKeys: Migration = {
  version: 5,
  name: 'masked keys',
  sql: `
    create table real_keys (
      workspace_id text not null references workspaces (id),
      credential_id text not null,
      base_url text not null,
      auth_header text not null,
      auth_prefix text not null,
      prices text not null,
      primary key (workspace_id, credential_id),
      foreign key (workspace_id, credential_id) references credentials (workspace_id, id)
    ) strict;

    create table masked_keys (
      workspace_id text not null references workspaces (id),
      kid text not null,
      credential_id text not null,
      primary key (workspace_id, kid),
      foreign key (workspace_id, credential_id) references real_keys (workspace_id, credential_id)
    ) strict;
    create index masked_keys_by_credential on masked_keys (workspace_id, credential_id);

    create table backend_tokens (
      workspace_id text not null references workspaces (id),
      kid text not null,
      hash text not null,
      pepper_version integer not null,
      created_at_ms integer not null,
      primary key (workspace_id, kid)
    ) strict;
  `,
};
