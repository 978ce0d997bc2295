import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { displayName, durationMs, id, iso, pageFields, pageOf, pageOfArray, pageRequest, time } from '../fields.ts';
import type { RotationPolicyRow } from '../key-life-stores.ts';
import { newId } from '../new-id.ts';
import { receivingWebhook } from '../rotate-key.ts';
import { isLive, readPolicies, rotationDueMs, secretSinceMs } from '../rotation-policy.ts';
import type { WorkspaceStore } from '../stores.ts';
import { invalidField } from '../validation.ts';
import { changedPolicy, policyFields, policyView, viewPolicy } from './rotation-policy-view.ts';

/** Every key is held against each of them. */
const POLICIES_MAX = 200;
const params = z.strictObject({ id });

const create = changeEndpoint({
  id: 'rotation-policies.create',
  method: 'POST',
  path: '/rotation-policies',
  permission: 'rotation-policies:write',
  summary: 'Create a rotation policy',
  description:
    'Says when secrets of keys are replaced, how long old ones live on, and who gets the new ones. The first policy that fits a key, in the order of their positions, applies to it.',
  cli: { verb: 'rotation-policies create' },
  params: none,
  query: none,
  body: z.strictObject({ ...policyFields, name: displayName }),
  response: policyView,
  errors: ['conflict'],
  status: 201,
  audit: { targetKind: 'rotation-policy' },
  handler: async (ctx, { body }) => {
    const others = await ctx.workspace.rotationPolicies.all();
    if (others.length >= POLICIES_MAX) {
      throw new AppError('conflict', { message: `There are ${POLICIES_MAX} policies already. Delete one first.` });
    }
    const row = changedPolicy(
      {
        ...DEFAULTS,
        id: newId('rot', ctx.nowMs),
        position: (others.at(-1)?.position ?? 0) + 1,
        createdAtMs: ctx.nowMs,
        updatedAtMs: ctx.nowMs,
      },
      body,
    );
    await refuseUnfit(ctx, row);
    await ctx.workspace.rotationPolicies.insert(row);
    return change(null, row);
  },
});

const DEFAULTS = {
  name: '',
  state: 'active',
  selector: { applicationIds: null, teamIds: null, tags: null, environment: null },
  intervalMs: null,
  maximumAgeMs: null,
  overlapMs: durationMs('24h'),
  whenUnused: null,
  delivery: { kind: 'none' },
  idleAfterMs: null,
  suspendIdle: false,
} as const;

const list = readEndpoint({
  id: 'rotation-policies.list',
  method: 'GET',
  path: '/rotation-policies',
  permission: 'rotation-policies:read',
  summary: 'List rotation policies',
  description: 'In the order of their ids; the position says which applies first.',
  cli: {
    verb: 'rotation-policies list',
    columns: ['id', 'position', 'name', 'state', 'interval', 'maximumAge', 'delivery'],
  },
  params: none,
  query: z.strictObject(pageFields),
  response: pageOf(policyView),
  handler: async (ctx, { query }) => {
    const page = pageOfArray(await ctx.workspace.rotationPolicies.all(), pageRequest(query));
    return { items: page.items.map(viewPolicy), next: page.next };
  },
});

const get = readEndpoint({
  id: 'rotation-policies.get',
  method: 'GET',
  path: '/rotation-policies/:id',
  permission: 'rotation-policies:read',
  summary: 'Show a rotation policy',
  description: 'As it is in force.',
  cli: { verb: 'rotation-policies show' },
  params,
  query: none,
  response: policyView,
  errors: ['not_found'],
  handler: async (ctx, input) => viewPolicy(await requirePolicy(ctx.workspace, input.params.id)),
});

const update = changeEndpoint({
  id: 'rotation-policies.update',
  method: 'PATCH',
  path: '/rotation-policies/:id',
  permission: 'rotation-policies:write',
  summary: 'Change a rotation policy',
  description: 'What is omitted stays, null clears. Applies from the next run of the job on.',
  cli: { verb: 'rotation-policies update' },
  params,
  query: none,
  body: z.strictObject(policyFields),
  response: policyView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'rotation-policy' },
  handler: async (ctx, { params: target, body }) => {
    const before = await requirePolicy(ctx.workspace, target.id);
    const after = changedPolicy({ ...before, updatedAtMs: ctx.nowMs }, body);
    await refuseUnfit(ctx, after);
    await ctx.workspace.rotationPolicies.update(before.id, after);
    return change(before, after);
  },
});

const remove = changeEndpoint({
  id: 'rotation-policies.delete',
  method: 'DELETE',
  path: '/rotation-policies/:id',
  permission: 'rotation-policies:write',
  summary: 'Delete a rotation policy',
  description: 'Rotations that have begun go on as they were announced.',
  cli: { verb: 'rotation-policies delete' },
  params,
  query: none,
  body: none,
  response: policyView,
  errors: ['not_found'],
  audit: { targetKind: 'rotation-policy' },
  handler: async (ctx, input) => {
    const before = await requirePolicy(ctx.workspace, input.params.id);
    await ctx.workspace.rotationPolicies.delete(before.id);
    return { ...change(before, before), after: null };
  },
});

const previewed = z
  .object({
    kid: z.string(),
    name: z.string(),
    applicationId: z.string(),
    secretSince: time.describe('When the secret in use was made.'),
    dueAt: time.nullable().describe('When the policy rotates it; null: never, it has no interval.'),
    overdue: z.boolean(),
    tooOld: z.boolean().describe('Older than the maximum age of the policy.'),
  })
  .meta({ id: 'PreviewedRotation' });

const preview = readEndpoint({
  id: 'rotation-policies.preview',
  method: 'GET',
  path: '/rotation-policies/:id/preview',
  permission: 'rotation-policies:read',
  summary: 'Preview a rotation policy',
  description:
    'The active keys that this policy applies to, and when it rotates each. A page may hold fewer keys than its limit. A policy that is disabled applies to none.',
  cli: {
    verb: 'rotation-policies preview',
    columns: ['kid', 'name', 'applicationId', 'secretSince', 'dueAt', 'overdue', 'tooOld'],
  },
  params,
  query: z.strictObject(pageFields),
  response: pageOf(previewed),
  errors: ['not_found'],
  handler: async (ctx, { params: { id: policyId }, query }) => {
    const policy = await requirePolicy(ctx.workspace, policyId);
    const book = await readPolicies(ctx.workspace);
    const page = await ctx.workspace.keys.list(pageRequest(query), { state: 'active' });
    const items = page.items
      .filter((key) => isLive(key, ctx.nowMs) && book.policyFor(key)?.id === policy.id)
      .map((key) => {
        const [sinceMs, dueMs] = [secretSinceMs(key), rotationDueMs(policy, key)];
        return {
          ...{ kid: key.kid, name: key.name, applicationId: key.applicationId, secretSince: iso(sinceMs) },
          dueAt: dueMs === null ? null : iso(dueMs),
          overdue: dueMs !== null && dueMs <= ctx.nowMs,
          tooOld: policy.maximumAgeMs !== null && sinceMs + policy.maximumAgeMs <= ctx.nowMs,
        };
      });
    return { items, next: page.next };
  },
});

/** What the form of the input alone does not tell. */
async function refuseUnfit(ctx: CallContext, row: RotationPolicyRow): Promise<void> {
  const { intervalMs, maximumAgeMs, overlapMs, whenUnused, delivery } = row;
  if (intervalMs !== null && Math.max(overlapMs, whenUnused?.latestMs ?? 0) > intervalMs) {
    throw invalidField('body', 'interval', 'must not be shorter than the overlap or the latest end of the old secret');
  }
  if (intervalMs !== null && maximumAgeMs !== null && maximumAgeMs < intervalMs) {
    throw invalidField('body', 'maximumAge', 'must not be shorter than the interval');
  }
  if (delivery.kind === 'webhook') await receivingWebhook(ctx, delivery.webhookId);
}

function change(before: RotationPolicyRow | null, after: RotationPolicyRow) {
  return {
    targetId: after.id,
    before: before && viewPolicy(before),
    after: viewPolicy(after),
    propagate: { kind: 'none' } as const,
    answer: () => viewPolicy(after),
  };
}

async function requirePolicy(workspace: WorkspaceStore, policyId: string): Promise<RotationPolicyRow> {
  const row = await workspace.rotationPolicies.get(policyId);
  if (row === null) throw new AppError('not_found', { message: `There is no rotation policy ${policyId}.` });
  return row;
}

export const rotationPolicies = [create, list, get, update, remove, preview] as const;
