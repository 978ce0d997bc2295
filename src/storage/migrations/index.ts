import { initial } from './0001-initial.ts';
import { ownersAndConstraints } from './0002-owners-and-constraints.ts';
import { rotationAndDelivery } from './0003-rotation-and-delivery.ts';
import { responses } from './0005-responses.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [initial, ownersAndConstraints, rotationAndDelivery, responses];
