import { initial } from './0001-initial.ts';
import { ownersAndConstraints } from './0002-owners-and-constraints.ts';
import { cases } from './0006-cases.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [initial, ownersAndConstraints, cases];
