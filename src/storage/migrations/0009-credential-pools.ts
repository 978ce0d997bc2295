import type { Migration } from './migration.ts';

/** When a credential is used, and for which models; null: for all. */
export const credentialPools: Migration = {
  version: 9,
  name: 'credential-pools',
  sql: `
    alter table credentials add column priority integer not null default 1;
    alter table credentials add column models text;
  `,
};
