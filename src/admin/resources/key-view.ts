import { z } from 'zod';
import { fingerprintOf } from '../../keys/format.ts';
import type { DelegationPolicy } from '../../keys/delegation-policy.ts';
import { AppError } from '../../errors.ts';
import { acceptedUntilMs, generationOf } from '../../keys/rotate.ts';
import { limitsInput, limitsView, scopesInput, scopesView, viewLimits, viewScopes } from '../constraint-fields.ts';
import { displayName, id, iso, isoOrNull, time } from '../fields.ts';
import type { KeyRow, WorkspaceStore } from '../stores.ts';

/** What can be set on a key; omitted leaves, null clears. */
export const keyFields = {
  name: displayName,
  applicationId: id.describe('The application that the key belongs to.'),
  ownerId: id
    .nullable()
    .describe('The person who answers for the key; where its application has a team, an active member of it.'),
  notBefore: time.nullable().describe('Refused before this time.'),
  expiresAt: time.nullable().describe('Refused from this time on.'),
  expiresIn: z
    .string()
    .regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a duration such as 30d, 12h, 15m or 90s')
    .describe('In place of expiresAt: a duration such as 30d, 12h, 15m or 90s.'),
  scopes: scopesInput,
  limits: limitsInput,
  tags: z.array(z.string().trim().min(1).max(60)).max(50),
};

export const keyView = z
  .object({
    kid: z.string(),
    type: z.enum(['kwk', 'kwt']).describe('kwk: a key; kwt: a temporary key, minted from another.'),
    parentKid: z.string().nullable().describe('The key that a temporary key was minted from.'),
    fingerprint: z.string().describe('Names the key to people and in logs; cannot be used to call.'),
    name: z.string(),
    applicationId: z.string(),
    ownerId: z.string().nullable().describe('The person who answers for it besides the owner of its application.'),
    environment: z.enum(['live', 'test']),
    state: z.enum(['active', 'suspended', 'revoked', 'compromised']),
    suspension: z
      .object({ automatic: z.boolean().describe('By a rule, not by a person.'), until: time.nullable() })
      .nullable(),
    expired: z.boolean(),
    notBefore: time.nullable(),
    expiresAt: time.nullable(),
    scopes: scopesView,
    limits: limitsView,
    delegation: z
      .object({
        audience: z.string().describe('What a delegated key names as aud.'),
        delegateOnly: z.boolean(),
        ttlMaxSeconds: z.number(),
        publicKeys: z.array(z.object({ publicKey: z.string(), until: time.nullable() })),
        revokedBefore: time.nullable(),
        groupsRevoked: z.int(),
        revokedOneByOne: z.int(),
      })
      .nullable()
      .describe('What its holder may sign offline; null: nothing.'),
    minting: z
      .object({ enabled: z.boolean(), ttlMaxSeconds: z.number(), liveMax: z.int() })
      .nullable()
      .describe('Which temporary keys may be minted from it; null: the usual.'),
    tags: z.array(z.string()),
    secretVersions: z
      .array(
        z.object({
          generation: z.int().describe('Counts the secrets of the key, from 1.'),
          state: z.enum(['current', 'retiring', 'superseded']),
          createdAt: time.nullable(),
          acceptedUntil: time.nullable().describe('Null: until it is replaced.'),
        }),
      )
      .describe('The secret in use, and older ones of earlier rotations.'),
    lastUsedAt: time.nullable().describe('The last call with a secret of this key; a little late. Null: none so far.'),
    revision: z.int().describe('Rises with every change; send it with a change to be refused when someone was faster.'),
    createdAt: time,
    createdBy: z.string(),
    updatedAt: time,
    revokedAt: time.nullable(),
    stateReason: z.string().nullable(),
  })
  .meta({ id: 'Key' });

export const receiptView = z
  .object({
    version: z.int(),
    workers: z.int().describe('Workers that acknowledged.'),
    acknowledgedAt: time,
    complete: z.boolean().describe('Whether it is in force on every worker.'),
  })
  .meta({ id: 'Receipt' });

/** A key's id, or its fingerprint, as it stands in logs. */
export const keyRef = z
  .string()
  .regex(
    /^(?:kw[kt]_(?:live|test)_)?[0-9A-Za-z]{12}$/,
    'must be a key id or a fingerprint such as kwk_live_2rTx0Aa91LmQ',
  )
  .describe('Key id, or fingerprint (kwk_live_…).');

export function kidOf(ref: string): string {
  return ref.slice(-12);
}

export function viewKey(row: KeyRow, nowMs: number): z.input<typeof keyView> {
  return {
    kid: row.kid,
    type: row.type,
    parentKid: row.parentKid,
    fingerprint: fingerprintOf({ type: row.type, environment: row.environment, kid: row.kid }),
    name: row.name,
    applicationId: row.applicationId,
    ownerId: row.ownerId,
    environment: row.environment,
    state: row.state,
    suspension: row.suspension && { automatic: row.suspension.automatic, until: isoOrNull(row.suspension.untilMs) },
    expired: row.expiresAtMs !== null && row.expiresAtMs <= nowMs,
    notBefore: isoOrNull(row.notBeforeMs),
    expiresAt: isoOrNull(row.expiresAtMs),
    scopes: viewScopes(row.scopes),
    limits: viewLimits(row.limits),
    delegation: row.delegation && viewDelegation(row.delegation),
    minting: row.minting && {
      enabled: row.minting.enabled,
      ttlMaxSeconds: row.minting.ttlMaxMs / 1000,
      liveMax: row.minting.liveMax,
    },
    tags: [...row.tags],
    secretVersions: row.secrets.map((secret) => ({
      generation: generationOf(secret),
      state: secret.state,
      createdAt: isoOrNull(secret.createdAtMs ?? null),
      acceptedUntil: isoOrNull(acceptedUntilMs(secret, row.expiresAtMs)),
    })),
    lastUsedAt: isoOrNull(row.lastUsedAtMs ?? null),
    revision: row.revision,
    createdAt: iso(row.createdAtMs),
    createdBy: row.createdBy,
    updatedAt: iso(row.updatedAtMs),
    revokedAt: isoOrNull(row.revokedAtMs),
    stateReason: row.stateReason,
  };
}

function viewDelegation(policy: DelegationPolicy) {
  return {
    audience: policy.audience,
    delegateOnly: policy.delegateOnly,
    ttlMaxSeconds: policy.ttlMaxMs / 1000,
    publicKeys: policy.publicKeys.map(({ publicKey, untilMs }) => ({ publicKey, until: isoOrNull(untilMs) })),
    revokedBefore: isoOrNull(policy.mintedBeforeMs),
    groupsRevoked: Object.keys(policy.groupWatermarks).length,
    revokedOneByOne: Object.keys(policy.deniedJti).length,
  };
}

export async function requireKey(workspace: WorkspaceStore, ref: string): Promise<KeyRow> {
  const row = await workspace.keys.get(kidOf(ref));
  if (row === null) throw new AppError('not_found', { message: `There is no key ${ref}.` });
  return row;
}
