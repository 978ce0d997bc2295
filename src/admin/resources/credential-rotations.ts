import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { recordChange } from '../change.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import type { CallContext } from '../contract.ts';
import { rollBack } from '../credential-rotation/advance.ts';
import { canaryWeight } from '../credential-rotation/effects.ts';
import { firstSteps } from '../credential-rotation/steps.ts';
import type { CredentialRotationRow, RotationPlan } from '../credential-stores.ts';
import { id, mapPage, pageFields, pageOf, pageRequest } from '../fields.ts';
import { newId } from '../new-id.ts';
import type { CredentialRow } from '../stores.ts';
import { invalidField } from '../validation.ts';
import { hintOf, requireCredential, secret, viewCredential } from './credentials.ts';
import { DAY_MS, rotationView, viewRotation } from './credential-rotation-view.ts';
import { refuseDeclared } from './provider-catalogue.ts';

const params = z.strictObject({ id });

const rotate = changeEndpoint({
  id: 'credentials.rotate',
  method: 'POST',
  path: '/credentials/:id/rotate',
  permission: 'credentials:write',
  summary: 'Rotate a credential',
  description:
    'Puts a new secret in the place of a credential, step by step and without a failed call: store, probe, canary (a small part of the calls), shift, drain, disable, delete. A provider that rejects it before the old one is disabled has it rolled back. It goes on after a restart; credential-rotations shows how far it has come.',
  cli: { verb: 'credentials rotate' },
  params,
  query: none,
  body: z.strictObject({
    secret,
    canaryPercent: z
      .number()
      .min(0.1)
      .max(50)
      .default(5)
      .describe('Which part of the old one’s calls the new one gets at first.'),
    canaryCalls: z
      .int()
      .min(0)
      .max(100_000)
      .default(20)
      .describe('How many calls have to pass with it before it gets all; 0: no canary.'),
    canarySeconds: z
      .int()
      .min(0)
      .max(7 * 86_400)
      .default(3_600)
      .describe('After so long fewer calls do, if the provider has let it in at all.'),
    drainSeconds: z.int().min(0).max(86_400).default(600).describe('How long calls with the old one may take to end.'),
    deleteAfterDays: z.number().min(0).max(365).default(7).describe('How long the old one is kept, disabled.'),
  }),
  response: rotationView,
  errors: ['not_found', 'conflict', 'declared_in_file'],
  status: 201,
  audit: { targetKind: 'credential-rotation' },
  handler: async (ctx, { params: target, body: { secret: plain, ...body } }) => {
    const old = await requireCredential(ctx.workspace, target.id);
    await refuseUnfit(ctx, old);
    if ((await ctx.workspace.credentials.secretOf(old.id)) === plain) {
      throw invalidField('body', 'secret', 'is the one that is in use');
    }
    const plan: RotationPlan = {
      canaryPercent: body.canaryPercent,
      canaryCalls: body.canaryCalls,
      canaryMs: body.canarySeconds * 1000,
      drainMs: body.drainSeconds * 1000,
      deleteAfterMs: body.deleteAfterDays * DAY_MS,
      ...{ weight: old.weight, priority: old.priority },
    };
    const fresh = await storeNew(ctx, old, plan, plain);
    const row = newRotation(ctx, fresh, old.id, plan);
    await ctx.workspace.credentialRotations.insert(row);
    return {
      targetId: row.id,
      before: null,
      after: viewRotation(row),
      propagate: { kind: 'none' },
      answer: () => viewRotation(row),
    };
  },
});

const list = readEndpoint({
  id: 'credential-rotations.list',
  method: 'GET',
  path: '/credential-rotations',
  permission: 'credentials:read',
  summary: 'List rotations of credentials',
  description: 'Newest first, with the step that runs.',
  cli: {
    verb: 'credential-rotations list',
    columns: ['id', 'providerId', 'credentialId', 'newCredentialId', 'state', 'step', 'createdAt'],
  },
  params: none,
  query: z.strictObject({
    state: z.enum(['running', 'completed', 'rolled-back']).exactOptional(),
    credentialId: id.exactOptional().describe('The old one or the new one.'),
    ...pageFields,
  }),
  response: pageOf(rotationView),
  handler: async (ctx, { query }) => {
    const { cursor: _cursor, limit: _limit, ...filter } = query;
    return mapPage(await ctx.workspace.credentialRotations.list(pageRequest(query), filter), viewRotation);
  },
});

const get = readEndpoint({
  id: 'credential-rotations.get',
  method: 'GET',
  path: '/credential-rotations/:id',
  permission: 'credentials:read',
  summary: 'Show a rotation of a credential',
  description: 'With its steps, when each began and ended, and what it waits for.',
  cli: { verb: 'credential-rotations show' },
  params,
  query: none,
  response: rotationView,
  errors: ['not_found'],
  handler: async (ctx, input) => viewRotation(await requireRotation(ctx, input.params.id)),
});

const cancel = changeEndpoint({
  id: 'credential-rotations.cancel',
  method: 'POST',
  path: '/credential-rotations/:id/cancel',
  permission: 'credentials:write',
  summary: 'Take a rotation of a credential back',
  description:
    'At any step until the old one is deleted: it gets its place back, and the new secret is deleted. Calls under way end as they would.',
  cli: { verb: 'credential-rotations cancel' },
  params,
  query: none,
  body: z.strictObject({
    reason: z.string().trim().min(1).max(500).exactOptional().describe('Why, for the audit log.'),
  }),
  response: rotationView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'credential-rotation' },
  handler: async (ctx, { params: target, body }) => {
    const row = await requireRotation(ctx, target.id);
    if (row.state !== 'running') throw conflict(`The rotation ${row.id} has ended: it is ${row.state}.`);
    if ((await ctx.workspace.credentials.get(row.credentialId)) === null) {
      throw conflict(`The old credential ${row.credentialId} is gone: there is nothing to go back to.`);
    }
    const next = (await ctx.workspace.credentialRotations.runningOf(row.newCredentialId)).find(
      ({ credentialId }) => credentialId === row.newCredentialId,
    );
    if (next !== undefined) {
      throw conflict(`The credential ${row.newCredentialId} is being rotated itself: cancel ${next.id} first.`);
    }
    const change = await rollBack(ctx, row, body.reason ?? `taken back by ${ctx.principal.actor}`);
    const after = viewRotation(await requireRotation(ctx, row.id));
    return { ...change, answer: () => after };
  },
});

async function refuseUnfit(ctx: CallContext, old: CredentialRow): Promise<void> {
  refuseDeclared(ctx.deps, old.providerId);
  if (old.state !== 'active') {
    throw conflict(`The credential ${old.id} is disabled: nothing uses it, so give it the new secret by an update.`);
  }
  if ((await ctx.workspace.masked.place(old.id)) !== null) {
    throw conflict(`Keys stand for the credential ${old.id}: it is replaced by the program that holds them.`);
  }
  for (const running of await ctx.workspace.credentialRotations.runningOf(old.id)) {
    // Once it is in the place of the one before, it may be followed by the next.
    const isSettled = running.newCredentialId === old.id && viewRotation(running).step === 'delete';
    if (!isSettled) throw conflict(`The credential ${old.id} is part of the rotation ${running.id}, which runs.`);
  }
}

/** Disabled: no call uses it before it was tried. */
async function storeNew(ctx: CallContext, old: CredentialRow, plan: RotationPlan, plain: string) {
  const fresh: CredentialRow = {
    ...old,
    id: newId('cred', ctx.nowMs),
    state: 'disabled',
    weight: canaryWeight(plan),
    hint: hintOf(plain),
    ...{ createdAtMs: ctx.nowMs, updatedAtMs: ctx.nowMs },
  };
  await recordChange(ctx, { action: 'credentials.create', targetKind: 'credential' }, async () => {
    await ctx.workspace.credentials.insert(fresh, plain);
    return {
      targetId: fresh.id,
      before: null,
      after: viewCredential(fresh),
      reason: `rotation of ${old.id}`,
      propagate: { kind: 'none' },
      answer: () => null,
    };
  });
  return fresh;
}

function newRotation(
  { nowMs, principal }: CallContext,
  { id: newCredentialId, providerId }: CredentialRow,
  credentialId: string,
  plan: RotationPlan,
): CredentialRotationRow {
  return {
    id: newId('crot', nowMs),
    ...{ providerId, credentialId, newCredentialId, plan },
    state: 'running',
    steps: firstSteps(nowMs),
    ...{ canaryPassed: 0, canarySeen: 0, dueAtMs: nowMs, revision: 1, createdBy: principal.actor },
    ...{ createdAtMs: nowMs, updatedAtMs: nowMs, endedAtMs: null, endedReason: null },
  };
}

async function requireRotation({ workspace }: CallContext, rotationId: string): Promise<CredentialRotationRow> {
  const row = await workspace.credentialRotations.get(rotationId);
  if (row === null) throw new AppError('not_found', { message: `There is no rotation ${rotationId}.` });
  return row;
}

function conflict(message: string): AppError {
  return new AppError('conflict', { message });
}

export const credentialRotations = [rotate, list, get, cancel] as const;
