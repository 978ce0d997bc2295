import { tagOf } from '../lib/name-tag.ts';
import type { HealthTable } from './health-table.ts';
import { CredentialPool } from './pool.ts';
import type { PoolMember } from './pool.ts';

/** A credential with its secret, of which only the fingerprint is kept. */
export interface PoolCredential extends Omit<PoolMember, 'fingerprint'> {
  readonly secret: string;
}

export interface OpenPoolOptions {
  readonly workspaceId: string;
  readonly providerId: string;
  readonly credentials: readonly PoolCredential[];
  readonly table: HealthTable;
  readonly random: () => number;
}

/** The pool of a provider, under the name by which every thread finds how its members stand. */
export function openPool({ workspaceId, providerId, credentials, table, random }: OpenPoolOptions): CredentialPool {
  const members = credentials.map(({ id, priority, weight, models, secret }) => ({
    id,
    priority,
    weight,
    models,
    fingerprint: fingerprintOf(secret),
  }));
  return new CredentialPool({ name: `${workspaceId}/${providerId}`, members, table, random });
}

/** Never leaves the process's memory, and says of a secret only whether it is another one. */
function fingerprintOf(secret: string): string {
  const { low, high } = tagOf(secret);
  return `${low >>> 0}.${high >>> 0}`;
}
