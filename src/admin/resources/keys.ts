import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { generateKey } from '../../keys/format.ts';
import { NO_LIMITS, NO_SCOPES } from '../../keys/constraints.ts';
import { changedLimits, changedScopes } from '../constraint-fields.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { id, mapPage, pageFields, pageOf, pageRequest } from '../fields.ts';
import type { Constraints } from '../../keys/delegation-claims.ts';
import { changedDates } from '../key-dates.ts';
import type { DateInput } from '../key-dates.ts';
import { refuseWider } from '../mint-key.ts';
import { requireOwner } from '../ownership.ts';
import { moveDescendants, refuseTemporary } from '../reassign.ts';
import type { ApplicationRow, KeyRow, WorkspaceStore } from '../stores.ts';
import { strictField, warningsField, warningsOf } from '../scope-warnings.ts';
import { invalidField } from '../validation.ts';
import { freshSecret } from './key-secret.ts';
import { keyFields, keyRef, keyView, requireKey, viewKey } from './key-view.ts';

const strictQuery = z.strictObject(strictField);

const create = changeEndpoint({
  id: 'keys.create',
  method: 'POST',
  path: '/keys',
  permission: 'keys:create',
  summary: 'Create a key',
  description:
    'Generates a key of 256 random bits and answers its text once; it cannot be read again. Values cannot be chosen. Without an application the key belongs to the default one.',
  cli: { verb: 'keys create' },
  params: none,
  query: strictQuery,
  body: z.strictObject({
    name: keyFields.name,
    applicationId: keyFields.applicationId.exactOptional(),
    ownerId: keyFields.ownerId.default(null),
    environment: z.enum(['live', 'test']).default('live'),
    notBefore: keyFields.notBefore.exactOptional(),
    expiresAt: keyFields.expiresAt.exactOptional(),
    expiresIn: keyFields.expiresIn.exactOptional(),
    scopes: keyFields.scopes.exactOptional(),
    limits: keyFields.limits.exactOptional(),
    tags: keyFields.tags.default([]),
  }),
  response: keyView
    .extend({ key: z.string().describe('The key itself. Shown this once; store it now.'), ...warningsField })
    .meta({ id: 'CreatedKey' }),
  status: 201,
  audit: { targetKind: 'key' },
  handler: async (ctx, { query, body }) => {
    const application = await chosenApplication(ctx.workspace, body.applicationId);
    await requireOwner(ctx.workspace, { ownerId: body.ownerId, teamId: application.teamId });
    const generated = generateKey({ type: 'kwk', environment: body.environment });
    const row: KeyRow = {
      kid: generated.kid,
      type: 'kwk',
      parentKid: null,
      binding: null,
      ownerId: body.ownerId,
      suspension: null,
      applicationId: application.id,
      name: body.name,
      environment: body.environment,
      state: 'active',
      secrets: [freshSecret(ctx.deps.hasher, generated.secret, ctx.nowMs)],
      ...changedDates(body, { notBeforeMs: null, expiresAtMs: null }, ctx.nowMs),
      scopes: changedScopes(NO_SCOPES, body.scopes),
      scopesSetAtMs: ctx.nowMs,
      limits: changedLimits(NO_LIMITS, body.limits),
      delegation: null,
      minting: null,
      tags: body.tags,
      revision: 1,
      createdAtMs: ctx.nowMs,
      createdBy: ctx.principal.actor,
      updatedAtMs: ctx.nowMs,
      revokedAtMs: null,
      stateReason: null,
    };
    await ctx.workspace.keys.insert(row);
    const found = await warningsOf(ctx, row, application, query.strict);
    const view = viewKey(row, ctx.nowMs);
    return {
      targetId: row.kid,
      before: null,
      after: view,
      // Workers may remember that this id did not exist.
      propagate: { kind: 'key', kid: row.kid, wait: true },
      answer: () => ({ ...view, key: generated.text, warnings: found }),
    };
  },
});

const list = readEndpoint({
  id: 'keys.list',
  method: 'GET',
  path: '/keys',
  permission: 'keys:read',
  summary: 'List keys',
  description: 'Newest first.',
  cli: {
    verb: 'keys list',
    columns: ['kid', 'name', 'state', 'environment', 'applicationId', 'expiresAt', 'createdAt'],
  },
  params: none,
  query: z.strictObject({
    applicationId: id.exactOptional(),
    ownerId: id.exactOptional(),
    state: keyView.shape.state.exactOptional(),
    environment: keyView.shape.environment.exactOptional(),
    tag: z.string().max(60).exactOptional(),
    search: z.string().max(200).exactOptional().describe('Part of the name, or the start of a key id.'),
    ...pageFields,
  }),
  response: pageOf(keyView),
  handler: async (ctx, { query }) => {
    const { cursor: _cursor, limit: _limit, ...filter } = query;
    return mapPage(await ctx.workspace.keys.list(pageRequest(query), filter), (row) => viewKey(row, ctx.nowMs));
  },
});

const get = readEndpoint({
  id: 'keys.get',
  method: 'GET',
  path: '/keys/:kid',
  permission: 'keys:read',
  summary: 'Show a key',
  description: 'Everything that is known of a key but its secret.',
  cli: { verb: 'keys show' },
  params: z.strictObject({ kid: keyRef }),
  query: none,
  response: keyView,
  errors: ['not_found'],
  handler: async (ctx, { params }) => viewKey(await requireKey(ctx.workspace, params.kid), ctx.nowMs),
});

export const update = changeEndpoint({
  id: 'keys.update',
  method: 'PATCH',
  path: '/keys/:kid',
  permission: 'keys:update',
  summary: 'Change a key',
  description:
    'What is omitted stays, null clears. Temporary keys go along when it changes hands, and keep the dates that they were minted with. With a revision, the change is refused when the key was changed since. A key that was revoked cannot be changed.',
  cli: { verb: 'keys update' },
  params: z.strictObject({ kid: keyRef }),
  query: strictQuery,
  body: z.strictObject({
    name: keyFields.name.exactOptional(),
    applicationId: keyFields.applicationId.exactOptional(),
    ownerId: keyFields.ownerId.exactOptional(),
    notBefore: keyFields.notBefore.exactOptional(),
    expiresAt: keyFields.expiresAt.exactOptional(),
    expiresIn: keyFields.expiresIn.exactOptional(),
    scopes: keyFields.scopes.exactOptional(),
    limits: keyFields.limits.exactOptional(),
    tags: keyFields.tags.exactOptional(),
    revision: z.int().min(1).exactOptional().describe('The revision that the change is based on.'),
  }),
  response: keyView.extend(warningsField).meta({ id: 'ChangedKey' }),
  errors: ['not_found', 'conflict', 'delegation_widens'],
  audit: { targetKind: 'key' },
  handler: async (ctx, { params, query, body }) => {
    const before = await requireKey(ctx.workspace, params.kid);
    if (before.state === 'revoked' || before.state === 'compromised') {
      throw new AppError('conflict', {
        message: `The key ${before.kid} is ${before.state}: it cannot be changed any more.`,
      });
    }
    if (body.applicationId !== undefined || body.ownerId !== undefined) await requireReassignable(ctx, before, body);
    refuseNewDates(before, body);
    const { notBefore: _notBefore, expiresAt: _expiresAt, expiresIn: _expiresIn, revision, ...same } = body;
    const constraints = {
      scopes: changedScopes(before.scopes, body.scopes),
      limits: changedLimits(before.limits, body.limits),
    };
    if (body.scopes !== undefined || body.limits !== undefined) await refuseWiderThanParent(ctx, before, constraints);
    const updated = await ctx.workspace.keys.update(before.kid, revision ?? before.revision, {
      ...same,
      ...changedDates(body, before, ctx.nowMs),
      ...constraints,
      ...(body.scopes === undefined ? {} : { scopesSetAtMs: ctx.nowMs }),
      updatedAtMs: ctx.nowMs,
    });
    if (!updated) throw changedMeanwhile(before);
    const after = await requireKey(ctx.workspace, before.kid);
    const application = await ctx.workspace.applications.find(after.applicationId);
    const found = application === null ? [] : await warningsOf(ctx, after, application, query.strict);
    return keyChange(ctx, { before, after, found, moved: await moveDescendants(ctx, after) });
  },
});

interface MadeChange {
  readonly before: KeyRow;
  readonly after: KeyRow;
  readonly found: string[];
  /** Temporary keys that went along. */
  readonly moved: readonly string[];
}

function keyChange({ nowMs }: CallContext, { before, after: row, found, moved }: MadeChange) {
  const after = viewKey(row, nowMs);
  return {
    targetId: row.kid,
    before: viewKey(before, nowMs),
    after,
    propagate: { kind: 'keys', kids: [row.kid, ...moved], wait: true } as const,
    answer: () => ({ ...after, warnings: found }),
  };
}

function changedMeanwhile(row: KeyRow): AppError {
  return new AppError('conflict', {
    message: `The key ${row.kid} was changed meanwhile: it is at revision ${row.revision}. Read it again and repeat the change.`,
  });
}

async function chosenApplication(
  workspace: WorkspaceStore,
  applicationId: string | undefined,
): Promise<ApplicationRow> {
  const application =
    applicationId === undefined
      ? await workspace.applications.getDefault()
      : await workspace.applications.get(applicationId);
  if (application !== null) return application;
  throw invalidField(
    'body',
    'applicationId',
    applicationId === undefined
      ? 'is required: there is no default application'
      : `names no application: ${applicationId}`,
  );
}

/** A key that changes hands: where it goes, its owner must be one who can answer for it. */
async function requireReassignable(
  { workspace }: CallContext,
  before: KeyRow,
  {
    applicationId = before.applicationId,
    ownerId = before.ownerId,
  }: Partial<Pick<KeyRow, 'applicationId' | 'ownerId'>>,
): Promise<void> {
  refuseTemporary(before);
  const { teamId } = await chosenApplication(workspace, applicationId);
  await requireOwner(workspace, { ownerId, teamId });
}

/** A temporary key must not be given what could not have been minted. */
async function refuseWiderThanParent({ workspace }: CallContext, { parentKid }: KeyRow, child: Constraints) {
  const parent = parentKid === null ? null : await workspace.keys.get(parentKid);
  if (parent !== null) refuseWider(child, parent);
}

/** What counts a temporary key's uses ends with it: were its end moved, the uses would begin anew. */
function refuseNewDates({ kid, parentKid }: KeyRow, { notBefore, expiresAt, expiresIn }: DateInput): void {
  const isAsked = notBefore !== undefined || expiresAt !== undefined || expiresIn !== undefined;
  if (parentKid === null || !isAsked) return;
  throw new AppError('conflict', {
    message: `${kid} is a temporary key: its dates were set when it was minted. Revoke it, or mint another from ${parentKid}.`,
  });
}

export const keys = [create, list, get, update] as const;
