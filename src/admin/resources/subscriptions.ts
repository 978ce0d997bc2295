import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { SubscriptionKind, SubscriptionStateName } from '../../keys/owners.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { id, iso, mapPage, modelPattern, pageFields, pageOf, pageRequest, time } from '../fields.ts';
import { impactQuery, impactView } from '../impact.ts';
import { newId } from '../new-id.ts';
import { standingChange } from '../ownership.ts';
import type { SubscriptionRow } from '../owner-stores.ts';
import { invalidField } from '../validation.ts';

/** As many as an application's lists may hold. */
const OF_APPLICATION_MAX = 500;

const params = z.strictObject({ id });
const state = z.enum(['pending', 'approved', 'rejected', 'ended']);

const subscriptionView = z
  .object({
    id: z.string(),
    applicationId: z.string(),
    kind: z.enum(['model', 'service']),
    name: z.string().describe('A pattern over provider/name and aliases, or the name of a service.'),
    state: state.describe('Only one that is approved lets calls through.'),
    stateReason: z.string().nullable(),
    requestedBy: z.string(),
    decidedBy: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Subscription' });

const create = changeEndpoint({
  id: 'subscriptions.create',
  method: 'POST',
  path: '/subscriptions',
  permission: 'subscriptions:request',
  summary: 'Ask for a subscription',
  description:
    "An application's right to call a model or a service, beside those that its own lists name. It is pending until somebody approves or rejects it.",
  cli: { verb: 'subscriptions create' },
  params: none,
  query: none,
  body: z.strictObject({
    applicationId: id,
    model: modelPattern.exactOptional(),
    service: z.string().min(1).max(256).exactOptional().describe('The name of a service, in place of a model.'),
  }),
  response: subscriptionView,
  errors: ['conflict'],
  status: 201,
  audit: { targetKind: 'subscription' },
  handler: async (ctx, { body: { applicationId, model, service } }) => {
    const [kind, name] = chosen(model, service);
    if ((await ctx.workspace.applications.get(applicationId)) === null) {
      throw invalidField('body', 'applicationId', `names no application: ${applicationId}`);
    }
    await refuseMore(ctx, { applicationId, kind, name });
    const row: SubscriptionRow = {
      id: newId('sub', ctx.nowMs),
      ...{ applicationId, kind, name },
      ...{ state: 'pending', stateReason: null, requestedBy: ctx.principal.actor, decidedBy: null },
      ...{ createdAtMs: ctx.nowMs, updatedAtMs: ctx.nowMs },
    };
    await ctx.workspace.subscriptions.insert(row);
    const after = view(row);
    return { targetId: row.id, before: null, after, propagate: { kind: 'snapshot' }, answer: () => after };
  },
});

const list = readEndpoint({
  id: 'subscriptions.list',
  method: 'GET',
  path: '/subscriptions',
  permission: 'subscriptions:read',
  summary: 'List subscriptions',
  description: 'Newest first. What the lists of applications name is shown with the applications.',
  cli: { verb: 'subscriptions list', columns: ['id', 'applicationId', 'kind', 'name', 'state', 'requestedBy'] },
  params: none,
  query: z.strictObject({ applicationId: id.exactOptional(), state: state.exactOptional(), ...pageFields }),
  response: pageOf(subscriptionView),
  handler: async (ctx, { query }) => {
    const { cursor: _cursor, limit: _limit, ...filter } = query;
    return mapPage(await ctx.workspace.subscriptions.list(pageRequest(query), filter), view);
  },
});

const get = readEndpoint({
  id: 'subscriptions.get',
  method: 'GET',
  path: '/subscriptions/:id',
  permission: 'subscriptions:read',
  summary: 'Show a subscription',
  description: 'Who asked for it, and who decided.',
  cli: { verb: 'subscriptions show' },
  params,
  query: none,
  response: subscriptionView,
  errors: ['not_found'],
  handler: async (ctx, input) => view(await requireSubscription(ctx, input.params.id)),
});

/** What each state may become. */
const NEXT: Readonly<Record<SubscriptionStateName, readonly SubscriptionStateName[]>> = {
  pending: ['approved', 'rejected', 'ended'],
  approved: ['ended'],
  rejected: ['pending', 'approved'],
  ended: ['pending', 'approved'],
};

const update = changeEndpoint({
  id: 'subscriptions.update',
  method: 'PATCH',
  path: '/subscriptions/:id',
  permission: 'subscriptions:decide',
  summary: 'Decide on a subscription',
  description:
    'Approve or reject one that is pending, end one that is approved; one that was rejected or ended can be asked for or approved again. Keys that reach nothing any more stop, with the code that tells the state.',
  cli: { verb: 'subscriptions update' },
  params,
  query: z.strictObject(impactQuery),
  body: z.strictObject({ state }),
  response: subscriptionView.extend({ impact: impactView }).meta({ id: 'ChangedSubscription' }),
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'subscription' },
  handler: async (ctx, { params: { id: subscriptionId }, query, body: { state: to } }) => {
    const before = await requireSubscription(ctx, subscriptionId);
    if (before.state !== to && !NEXT[before.state].includes(to)) {
      throw new AppError('conflict', {
        message: `The subscription ${before.id} is ${before.state}: it cannot become ${to}.`,
      });
    }
    const decidedBy = to === 'pending' ? null : ctx.principal.actor;
    const stateReason = query.reason ?? null;
    const after: SubscriptionRow = { ...before, state: to, stateReason, decidedBy, updatedAtMs: ctx.nowMs };
    return standingChange(ctx, {
      targetId: before.id,
      before,
      beneath: before.state === to ? null : { kind: 'beneath', applicationIds: [before.applicationId] },
      query,
      view,
      make: async () => {
        if (before.state === to) return before;
        await ctx.workspace.subscriptions.update(before.id, after);
        return after;
      },
    });
  },
});

function chosen(model: string | undefined, service: string | undefined): readonly [SubscriptionKind, string] {
  if (model !== undefined && service === undefined) return ['model', model];
  if (service !== undefined && model === undefined) return ['service', service];
  throw invalidField('body', 'model', 'must be given, or service in its place');
}

async function refuseMore(
  { workspace }: CallContext,
  { applicationId, kind, name }: Pick<SubscriptionRow, 'applicationId' | 'kind' | 'name'>,
): Promise<void> {
  const others = await workspace.subscriptions.ofApplication(applicationId);
  const same = others.find((other) => other.kind === kind && other.name === name);
  if (same !== undefined) {
    throw new AppError('conflict', {
      message: `The application has asked for it already: ${same.id} is ${same.state}. Change that one.`,
    });
  }
  if (others.length >= OF_APPLICATION_MAX) {
    throw new AppError('conflict', { message: `The application has ${OF_APPLICATION_MAX} subscriptions already.` });
  }
}

async function requireSubscription({ workspace }: CallContext, subscriptionId: string): Promise<SubscriptionRow> {
  const row = await workspace.subscriptions.get(subscriptionId);
  if (row === null) throw new AppError('not_found', { message: `There is no subscription ${subscriptionId}.` });
  return row;
}

function view({ createdAtMs, updatedAtMs, ...row }: SubscriptionRow): z.input<typeof subscriptionView> {
  return { ...row, createdAt: iso(createdAtMs), updatedAt: iso(updatedAtMs) };
}

export const subscriptions = [create, list, get, update] as const;
