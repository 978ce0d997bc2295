import { z } from 'zod';
import { fingerprintOf } from '../../keys/format.ts';
import { AppError } from '../../errors.ts';
import { cidr, displayName, id, iso, isoOrNull, modelPattern, time } from '../fields.ts';
import type { KeyRow, WorkspaceStore } from '../stores.ts';

const limit = z.int().min(1).max(1_000_000_000).nullable();
const operation = z.string().regex(/^[a-z][a-z_]{0,39}$/, 'must be an operation such as chat or embeddings');
const concurrency = limit.describe('Calls in flight at the same time.');
const models = z.array(modelPattern).max(200).nullable().describe('Models it may call; null: all of its application.');
const operations = z.array(operation).max(50).nullable().describe('Kinds of operation, such as chat; null: all.');
const addresses = z.array(cidr).max(200).nullable().describe('Networks it may be used from; null: any.');

/** What can be set on a key; omitted leaves, null clears. */
export const keyFields = {
  name: displayName,
  applicationId: id.describe('The application that the key belongs to.'),
  notBefore: time.nullable().describe('Refused before this time.'),
  expiresAt: time.nullable().describe('Refused from this time on.'),
  expiresIn: z
    .string()
    .regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a duration such as 30d, 12h, 15m or 90s')
    .describe('In place of expiresAt: a duration such as 30d, 12h, 15m or 90s.'),
  scopes: z
    .strictObject({
      models: models.exactOptional(),
      operations: operations.exactOptional(),
      addresses: addresses.exactOptional(),
    })
    .nullable(),
  limits: z
    .strictObject({
      requestsPerSecond: limit.exactOptional(),
      requestsPerMinute: limit.exactOptional(),
      requestsPerHour: limit.exactOptional(),
      requestsPerDay: limit.exactOptional(),
      concurrency: concurrency.exactOptional(),
    })
    .nullable(),
  tags: z.array(z.string().trim().min(1).max(60)).max(50),
};

export const keyView = z
  .object({
    kid: z.string(),
    fingerprint: z.string().describe('Names the key to people and in logs; cannot be used to call.'),
    name: z.string(),
    applicationId: z.string(),
    environment: z.enum(['live', 'test']),
    state: z.enum(['active', 'suspended', 'revoked', 'compromised']),
    expired: z.boolean(),
    notBefore: time.nullable(),
    expiresAt: time.nullable(),
    scopes: z.object({ models, operations, addresses }),
    limits: z.object({
      requestsPerSecond: limit,
      requestsPerMinute: limit,
      requestsPerHour: limit,
      requestsPerDay: limit,
      concurrency,
    }),
    tags: z.array(z.string()),
    secretVersions: z
      .array(
        z.object({
          state: z.enum(['current', 'retiring', 'superseded']),
          acceptedUntil: time.nullable().describe('Null: until it is replaced.'),
        }),
      )
      .describe('The secret in use, and older ones of earlier rotations.'),
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
  .regex(/^(?:kwk_(?:live|test)_)?[0-9A-Za-z]{12}$/, 'must be a key id or a fingerprint such as kwk_live_2rTx0Aa91LmQ')
  .describe('Key id, or fingerprint (kwk_live_…).');

export function kidOf(ref: string): string {
  return ref.slice(-12);
}

export function viewKey(row: KeyRow, nowMs: number): z.input<typeof keyView> {
  return {
    kid: row.kid,
    fingerprint: fingerprintOf({ type: 'kwk', environment: row.environment, kid: row.kid }),
    name: row.name,
    applicationId: row.applicationId,
    environment: row.environment,
    state: row.state,
    expired: row.expiresAtMs !== null && row.expiresAtMs <= nowMs,
    notBefore: isoOrNull(row.notBeforeMs),
    expiresAt: isoOrNull(row.expiresAtMs),
    scopes: {
      models: copy(row.scopes.models),
      operations: copy(row.scopes.operations),
      addresses: copy(row.scopes.addresses),
    },
    limits: row.limits,
    tags: [...row.tags],
    secretVersions: row.secrets.map((secret) => ({ state: secret.state, acceptedUntil: isoOrNull(secret.notAfterMs) })),
    revision: row.revision,
    createdAt: iso(row.createdAtMs),
    createdBy: row.createdBy,
    updatedAt: iso(row.updatedAtMs),
    revokedAt: isoOrNull(row.revokedAtMs),
    stateReason: row.stateReason,
  };
}

export async function requireKey(workspace: WorkspaceStore, ref: string): Promise<KeyRow> {
  const row = await workspace.keys.get(kidOf(ref));
  if (row === null) throw new AppError('not_found', { message: `There is no key ${ref}.` });
  return row;
}

function copy(list: readonly string[] | null): string[] | null {
  return list === null ? null : [...list];
}
