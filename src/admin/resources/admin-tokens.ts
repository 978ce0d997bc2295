/** Tokens of the admin API, for programs and people that are not to hold the operator's own. */
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { fingerprintOf, generateKey } from '../../keys/format.ts';
import type { AdminTokenRow } from '../access-stores.ts';
import { ENVIRONMENT } from '../admin-credential.ts';
import type { Change } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { cidr, displayName, iso, isoOrNull, mapPage, pageFields, pageOf, pageRequest, time } from '../fields.ts';
import { changedDates } from '../key-dates.ts';
import { requireOwner } from '../ownership.ts';
import { PERMISSIONS, allows } from '../rbac.ts';
import type { Permission } from '../rbac.ts';
import { invalidField } from '../validation.ts';
import { freshSecret } from './key-secret.ts';
import { keyFields } from './key-view.ts';

const tokenRef = z
  .string()
  .regex(/^(?:kwa_live_)?[0-9A-Za-z]{12}$/, 'must be the id or the fingerprint of an admin token')
  .transform((text) => text.slice(-12))
  .describe('The id or the fingerprint of an admin token.');
const params = z.strictObject({ kid: tokenRef });
const state = z.enum(['active', 'suspended', 'revoked']);
const reason = z.string().trim().min(1).max(500).exactOptional().describe('Why, for the audit log.');

const NAMES = ['*', ...Object.keys(PERMISSIONS)] as ['*', ...Permission[]];
const fields = {
  name: displayName,
  permissions: z
    .array(z.enum(NAMES))
    .min(1)
    .max(NAMES.length)
    .describe(
      'What it may do: keys:read and the like; * is everything, in every workspace. Nobody gives what they do not hold.',
    ),
  ownerId: z.string().min(1).max(100).nullable().describe('The person who answers for it: without them it stops.'),
  addresses: z.array(cidr).min(1).max(200).nullable().describe('Networks that it is accepted from; null: any.'),
  notBefore: keyFields.notBefore.exactOptional(),
  expiresAt: keyFields.expiresAt.exactOptional(),
  expiresIn: keyFields.expiresIn.exactOptional(),
};

const tokenView = z
  .object({
    kid: z.string(),
    fingerprint: z.string().describe('Names the token to people and in logs; cannot be used to call.'),
    name: z.string(),
    state,
    stateReason: z.string().nullable(),
    expired: z.boolean(),
    permissions: z.array(z.string()),
    ownerId: z.string().nullable(),
    addresses: z.array(z.string()).nullable(),
    notBefore: time.nullable(),
    expiresAt: time.nullable(),
    createdAt: time,
    createdBy: z.string(),
    updatedAt: time,
    revokedAt: time.nullable(),
  })
  .meta({ id: 'AdminToken' });

const create = changeEndpoint({
  id: 'admin-tokens.create',
  method: 'POST',
  path: '/admin-tokens',
  permission: 'admin-tokens:write',
  summary: 'Create an admin token',
  description:
    'Answers its text once; it cannot be read again. It acts in the workspace that it was made in. Every call with it is decided by the same engine as calls with keys: life, owner, permission, address.',
  cli: { verb: 'admin-tokens create' },
  params: none,
  query: none,
  body: z.strictObject({
    ...fields,
    ownerId: fields.ownerId.default(null),
    addresses: fields.addresses.default(null),
  }),
  response: tokenView
    .extend({ token: z.string().describe('The token itself. Shown this once; store it now.') })
    .meta({ id: 'CreatedAdminToken' }),
  status: 201,
  audit: { targetKind: 'admin-token' },
  handler: async (ctx, { body }) => {
    refuseMore(ctx, body.permissions);
    await requireOwner(ctx.workspace, { ownerId: body.ownerId, teamId: null });
    const generated = generateKey({ type: 'kwa', environment: ENVIRONMENT });
    const row: AdminTokenRow = {
      kid: generated.kid,
      name: body.name,
      ownerId: body.ownerId,
      state: 'active',
      stateReason: null,
      permissions: body.permissions,
      addresses: body.addresses,
      secrets: [freshSecret(ctx.deps.hasher, generated.secret, ctx.nowMs)],
      ...changedDates(body, { notBeforeMs: null, expiresAtMs: null }, ctx.nowMs),
      revision: 1,
      createdAtMs: ctx.nowMs,
      createdBy: ctx.principal.actor,
      updatedAtMs: ctx.nowMs,
      revokedAtMs: null,
    };
    await ctx.workspace.adminTokens.insert(row);
    const after = view(row, ctx.nowMs);
    return {
      targetId: row.kid,
      before: null,
      after,
      propagate: { kind: 'none' },
      answer: () => ({ ...after, token: generated.text }),
    };
  },
});

const list = readEndpoint({
  id: 'admin-tokens.list',
  method: 'GET',
  path: '/admin-tokens',
  permission: 'admin-tokens:read',
  summary: 'List admin tokens',
  description: 'Newest first. The tokens that every installation has without any set-up are not among them.',
  cli: { verb: 'admin-tokens list', columns: ['kid', 'name', 'state', 'ownerId', 'expiresAt', 'permissions'] },
  params: none,
  query: z.strictObject({ state: state.exactOptional(), ...pageFields }),
  response: pageOf(tokenView),
  handler: async ({ workspace, nowMs }, { query }) => {
    const filter = query.state === undefined ? {} : { state: query.state };
    return mapPage(await workspace.adminTokens.list(pageRequest(query), filter), (row) => view(row, nowMs));
  },
});

const get = readEndpoint({
  id: 'admin-tokens.get',
  method: 'GET',
  path: '/admin-tokens/:kid',
  permission: 'admin-tokens:read',
  summary: 'Show an admin token',
  description: 'Everything that is known of it but its secret.',
  cli: { verb: 'admin-tokens show' },
  params,
  query: none,
  response: tokenView,
  errors: ['not_found'],
  handler: async (ctx, input) => view(await requireToken(ctx, input.params.kid), ctx.nowMs),
});

const update = changeEndpoint({
  id: 'admin-tokens.update',
  method: 'PATCH',
  path: '/admin-tokens/:kid',
  permission: 'admin-tokens:write',
  summary: 'Change an admin token',
  description:
    'What is omitted stays, null clears. In force with the next call. One that was revoked cannot be changed.',
  cli: { verb: 'admin-tokens update' },
  params,
  query: none,
  body: z.strictObject({
    ...fields,
    name: fields.name.exactOptional(),
    permissions: fields.permissions.exactOptional(),
    ownerId: fields.ownerId.exactOptional(),
    addresses: fields.addresses.exactOptional(),
  }),
  response: tokenView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'admin-token' },
  handler: async (ctx, { params: { kid }, body }) => {
    const before = await requireToken(ctx, kid);
    if (before.state === 'revoked') throw new AppError('conflict', { message: `The admin token ${kid} was revoked.` });
    const { name = before.name, ownerId = before.ownerId, addresses = before.addresses } = body;
    const permissions = body.permissions ?? before.permissions;
    // Whoever holds less may not make it live longer, nor open it to other places.
    refuseMore(ctx, permissions);
    if (body.ownerId !== undefined) await requireOwner(ctx.workspace, { ownerId, teamId: null });
    const dates = changedDates(body, before, ctx.nowMs);
    return save(ctx, before, { ...before, name, ownerId, addresses, permissions, ...dates });
  },
});

interface Ending {
  readonly action: 'suspend' | 'resume' | 'revoke';
  readonly to: AdminTokenRow['state'];
  readonly from: readonly AdminTokenRow['state'][];
  readonly summary: string;
  readonly description: string;
}

function stateEndpoint<const Id extends string>(id: Id, { action, to, from, summary, description }: Ending) {
  return changeEndpoint({
    id,
    method: 'POST',
    path: `/admin-tokens/:kid/${action}`,
    permission: 'admin-tokens:write',
    summary,
    description,
    cli: { verb: `admin-tokens ${action}` },
    params,
    query: none,
    body: z.strictObject({ reason }),
    response: tokenView,
    errors: ['not_found', 'conflict'],
    audit: { targetKind: 'admin-token' },
    handler: async (ctx, input) => {
      const before = await requireToken(ctx, input.params.kid);
      if (before.state !== to && !from.includes(before.state)) {
        throw new AppError('conflict', {
          message: `The admin token ${before.kid} is ${before.state}: it cannot become ${to}.`,
        });
      }
      if (action === 'resume') refuseMore(ctx, before.permissions);
      const told = input.body.reason ?? null;
      const revokedAtMs = to === 'revoked' ? (before.revokedAtMs ?? ctx.nowMs) : null;
      return save(ctx, before, { ...before, state: to, stateReason: told, revokedAtMs }, told);
    },
  });
}

const suspend = stateEndpoint('admin-tokens.suspend', {
  action: 'suspend',
  to: 'suspended',
  from: ['active'],
  summary: 'Suspend an admin token',
  description: 'Until it is resumed. In force with the next call.',
});

const resume = stateEndpoint('admin-tokens.resume', {
  action: 'resume',
  to: 'active',
  from: ['suspended'],
  summary: 'Resume an admin token',
  description: 'One that was revoked stays revoked.',
});

const revoke = stateEndpoint('admin-tokens.revoke', {
  action: 'revoke',
  to: 'revoked',
  from: ['active', 'suspended'],
  summary: 'Revoke an admin token',
  description: 'For good, with the next call. Revoking again is allowed.',
});

async function save(
  ctx: CallContext,
  before: AdminTokenRow,
  after: AdminTokenRow,
  why: string | null = null,
): Promise<Change<z.input<typeof tokenView>>> {
  if (!(await ctx.workspace.adminTokens.update({ ...after, updatedAtMs: ctx.nowMs }))) {
    throw new AppError('conflict', {
      message: `The admin token ${before.kid} was changed meanwhile. Repeat the request.`,
    });
  }
  const shown = view(await requireToken(ctx, before.kid), ctx.nowMs);
  return {
    targetId: before.kid,
    before: view(before, ctx.nowMs),
    after: shown,
    reason: why,
    propagate: { kind: 'none' },
    answer: () => shown,
  };
}

/** Nobody gives, extends or brings back what they do not hold themselves. */
function refuseMore({ principal }: CallContext, permissions: readonly string[]): void {
  const more = permissions.filter((name) =>
    name === '*' ? !principal.permissions.has('*') : !allows(principal, name as Permission),
  );
  if (more.length > 0) throw invalidField('body', 'permissions', `holds what you do not: ${more.join(', ')}`);
}

async function requireToken({ workspace }: CallContext, kid: string): Promise<AdminTokenRow> {
  const row = await workspace.adminTokens.get(kid);
  if (row === null) throw new AppError('not_found', { message: `There is no admin token ${kid}.` });
  return row;
}

export function view(row: AdminTokenRow, nowMs: number): z.input<typeof tokenView> {
  return {
    kid: row.kid,
    fingerprint: fingerprintOf({ type: 'kwa', environment: ENVIRONMENT, kid: row.kid }),
    name: row.name,
    state: row.state,
    stateReason: row.stateReason,
    expired: row.expiresAtMs !== null && row.expiresAtMs <= nowMs,
    permissions: [...row.permissions],
    ownerId: row.ownerId,
    addresses: row.addresses && [...row.addresses],
    notBefore: isoOrNull(row.notBeforeMs),
    expiresAt: isoOrNull(row.expiresAtMs),
    createdAt: iso(row.createdAtMs),
    createdBy: row.createdBy,
    updatedAt: iso(row.updatedAtMs),
    revokedAt: isoOrNull(row.revokedAtMs),
  };
}

export const adminTokens = [create, list, get, update, suspend, resume, revoke] as const;
