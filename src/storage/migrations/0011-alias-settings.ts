import type { Migration } from './migration.ts';

/** How an alias chooses among its targets, as JSON; what is left out holds for all. */
export const aliasSettings: Migration = {
  version: 11,
  name: 'alias-settings',
  sql: `
    alter table aliases add column settings text not null default '{}';
  `,
};
