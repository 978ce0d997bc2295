import { initial } from './0001-initial.ts';
import { ownersAndConstraints } from './0002-owners-and-constraints.ts';
import { rotationAndDelivery } from './0003-rotation-and-delivery.ts';
import { cases } from './0004-cases.ts';
import { maskedKeys } from './0005-masked-keys.ts';
import { responses } from './0006-responses.ts';
import { adminTokens } from './0007-admin-tokens.ts';
import { subscriptions } from './0008-subscriptions.ts';
import { credentialPools } from './0009-credential-pools.ts';
import { credentialRotations } from './0010-credential-rotations.ts';
import { aliasSettings } from './0011-alias-settings.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [
  initial,
  ownersAndConstraints,
  rotationAndDelivery,
  cases,
  maskedKeys,
  responses,
  adminTokens,
  subscriptions,
  credentialPools,
  credentialRotations,
  aliasSettings,
];
