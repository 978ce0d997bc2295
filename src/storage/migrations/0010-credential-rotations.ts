import type { Migration } from './migration.ts';

/** How far the rotation of a provider's credential has come; one at a time of a credential. */
export const credentialRotations: Migration = {
  version: 10,
  name: 'credential-rotations',
  sql: `
    create table credential_rotations (
      workspace_id text not null references workspaces (id),
      id text not null,
      provider_id text not null,
      credential_id text not null,
      new_credential_id text not null,
      state text not null check (state in ('running', 'completed', 'rolled-back')),
      steps text not null,
      plan text not null,
      canary_passed integer not null,
      canary_seen integer not null,
      due_at_ms integer not null,
      revision integer not null,
      created_by text not null,
      created_at_ms integer not null,
      updated_at_ms integer not null,
      ended_at_ms integer,
      ended_reason text,
      primary key (workspace_id, id)
    ) strict;
    create index credential_rotations_by_time on credential_rotations (workspace_id, created_at_ms, id);
    create index credential_rotations_due on credential_rotations (workspace_id, due_at_ms) where state = 'running';
    create unique index credential_rotations_one_a_credential on credential_rotations (workspace_id, credential_id)
      where state = 'running';
  `,
};
