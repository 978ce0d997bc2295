import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { randomBase62 } from '../../keys/base62.ts';
import { urlProblem } from '../../watch/webhooks/address-guard.ts';
import { isPublicKey } from '../../watch/webhooks/sealed-secret.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { EVENT_TYPES, emitTo } from '../events.ts';
import {
  displayName,
  id,
  iso,
  isoOrNull,
  mapPage,
  pageFields,
  pageOf,
  pageOfArray,
  pageRequest,
  state,
  time,
} from '../fields.ts';
import type { OutboxRow, WebhookRow } from '../key-life-stores.ts';
import { newId } from '../new-id.ts';
import type { WorkspaceStore } from '../stores.ts';
import { invalidField } from '../validation.ts';

/** Each event is held against every one of them. */
const WEBHOOKS_MAX = 50;
const SECRET_LENGTH = 43;
const params = z.strictObject({ id });

const webhookFields = {
  name: displayName,
  url: z.string().min(1).max(2048).describe('Where events are posted to; https.'),
  events: z
    .array(z.enum(['*', ...EVENT_TYPES]))
    .min(1)
    .max(50)
    .describe('The types of events that it is told of; * for all.'),
  publicKey: z
    .string()
    .refine(isPublicKey, 'must be an X25519 public key: 32 bytes in base64')
    .nullable()
    .describe('The X25519 key of the receiver: new secrets are sealed to it. Without one no secret is ever sent.'),
};

const webhookView = z
  .object({
    id: z.string(),
    name: z.string(),
    url: z.string(),
    events: z.array(z.string()),
    state,
    publicKey: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Webhook' });

const create = changeEndpoint({
  id: 'webhooks.create',
  method: 'POST',
  path: '/webhooks',
  permission: 'webhooks:write',
  summary: 'Add a webhook',
  description:
    'Events are posted to it as JSON, signed with a secret that is answered once, and tried again until it answers with 2xx.',
  cli: { verb: 'webhooks create' },
  params: none,
  query: none,
  body: z.strictObject({
    ...webhookFields,
    events: webhookFields.events.default(['*']),
    publicKey: webhookFields.publicKey.default(null),
    state: state.default('active'),
  }),
  response: webhookView
    .extend({ secret: z.string().describe('Signs what is sent. Shown this once; give it to the receiver.') })
    .meta({ id: 'CreatedWebhook' }),
  errors: ['conflict'],
  status: 201,
  audit: { targetKind: 'webhook' },
  handler: async (ctx, { body }) => {
    refuseUrl(ctx, body.url);
    if ((await ctx.workspace.webhooks.all()).length >= WEBHOOKS_MAX) {
      throw new AppError('conflict', { message: `There are ${WEBHOOKS_MAX} webhooks already. Delete one first.` });
    }
    const secret = `whsec_${randomBase62(SECRET_LENGTH)}`;
    const row = { id: newId('whk', ctx.nowMs), ...body, createdAtMs: ctx.nowMs, updatedAtMs: ctx.nowMs };
    await ctx.workspace.webhooks.insert(row, secret);
    return { ...change(null, row), answer: () => ({ ...view(row), secret }) };
  },
});

const list = readEndpoint({
  id: 'webhooks.list',
  method: 'GET',
  path: '/webhooks',
  permission: 'webhooks:read',
  summary: 'List webhooks',
  description: 'Without their secrets.',
  cli: { verb: 'webhooks list', columns: ['id', 'name', 'state', 'url', 'events'] },
  params: none,
  query: z.strictObject(pageFields),
  response: pageOf(webhookView),
  handler: async (ctx, { query }) => {
    const page = pageOfArray(await ctx.workspace.webhooks.all(), pageRequest(query));
    return { items: page.items.map(view), next: page.next };
  },
});

const get = readEndpoint({
  id: 'webhooks.get',
  method: 'GET',
  path: '/webhooks/:id',
  permission: 'webhooks:read',
  summary: 'Show a webhook',
  description: 'Without its secret.',
  cli: { verb: 'webhooks show' },
  params,
  query: none,
  response: webhookView,
  errors: ['not_found'],
  handler: async (ctx, input) => view(await requireWebhook(ctx.workspace, input.params.id)),
});

const update = changeEndpoint({
  id: 'webhooks.update',
  method: 'PATCH',
  path: '/webhooks/:id',
  permission: 'webhooks:write',
  summary: 'Change a webhook',
  description: 'What is omitted stays, null clears. What waits already is sent to the new URL, sealed to the old key.',
  cli: { verb: 'webhooks update' },
  params,
  query: none,
  body: z.strictObject({
    name: webhookFields.name.exactOptional(),
    url: webhookFields.url.exactOptional(),
    events: webhookFields.events.exactOptional(),
    publicKey: webhookFields.publicKey.exactOptional(),
    state: state.exactOptional(),
  }),
  response: webhookView,
  errors: ['not_found'],
  audit: { targetKind: 'webhook' },
  handler: async (ctx, { params: target, body }) => {
    if (body.url !== undefined) refuseUrl(ctx, body.url);
    const before = await requireWebhook(ctx.workspace, target.id);
    await ctx.workspace.webhooks.update(before.id, { ...body, updatedAtMs: ctx.nowMs });
    return change(before, await requireWebhook(ctx.workspace, before.id));
  },
});

const remove = changeEndpoint({
  id: 'webhooks.delete',
  method: 'DELETE',
  path: '/webhooks/:id',
  permission: 'webhooks:write',
  summary: 'Delete a webhook',
  description: 'With all that waits for it. Refused while a rotation policy delivers by it.',
  cli: { verb: 'webhooks delete' },
  params,
  query: none,
  body: none,
  response: webhookView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'webhook' },
  handler: async (ctx, input) => {
    const before = await requireWebhook(ctx.workspace, input.params.id);
    const user = (await ctx.workspace.rotationPolicies.all()).find(
      ({ delivery }) => delivery.kind === 'webhook' && delivery.webhookId === before.id,
    );
    if (user !== undefined) {
      throw new AppError('conflict', { message: `The rotation policy ${user.id} delivers by it. Change that first.` });
    }
    const rule = (await ctx.workspace.responseRules.all()).find(({ actions }) =>
      actions.some(
        (action) =>
          action.kind === 'rotate' && action.delivery.kind === 'webhook' && action.delivery.webhookId === before.id,
      ),
    );
    if (rule !== undefined) {
      throw new AppError('conflict', { message: `The response rule ${rule.id} delivers by it. Change that first.` });
    }
    await ctx.workspace.outbox.drop(before.id);
    await ctx.workspace.webhooks.delete(before.id);
    return { ...change(before, before), after: null };
  },
});

const test = changeEndpoint({
  id: 'webhooks.test',
  method: 'POST',
  path: '/webhooks/:id/test',
  permission: 'webhooks:write',
  summary: 'Send a test event',
  description: 'Sends webhook.test; "webhooks deliveries" tells what became of it.',
  cli: { verb: 'webhooks test' },
  params,
  query: none,
  body: none,
  response: z.object({ id: z.string(), eventId: z.string() }).meta({ id: 'TestEvent' }),
  errors: ['not_found'],
  audit: { targetKind: 'webhook' },
  handler: async (ctx, input) => {
    const webhook = await requireWebhook(ctx.workspace, input.params.id);
    const eventId = await emitTo(ctx.workspace, webhook, { type: 'webhook.test', key: null, data: {} }, ctx.nowMs);
    return { ...change(webhook, webhook), answer: () => ({ id: webhook.id, eventId }) };
  },
});

const deliveryView = z
  .object({
    id: z.string(),
    eventId: z.string(),
    eventType: z.string(),
    state: z.enum(['waiting', 'delivered', 'failed']),
    attempts: z.int(),
    nextAttemptAt: time.nullable(),
    createdAt: time,
    finishedAt: time.nullable(),
    lastStatus: z.int().nullable(),
    lastError: z.string().nullable(),
  })
  .meta({ id: 'Delivery' });

const deliveries = readEndpoint({
  id: 'webhooks.deliveries',
  method: 'GET',
  path: '/webhooks/:id/deliveries',
  permission: 'webhooks:read',
  summary: 'List deliveries of a webhook',
  description: 'What waits, and what became of the rest in the last 30 days. Newest first.',
  cli: {
    verb: 'webhooks deliveries',
    columns: ['createdAt', 'eventType', 'state', 'attempts', 'lastStatus', 'lastError'],
  },
  params,
  query: z.strictObject(pageFields),
  response: pageOf(deliveryView),
  errors: ['not_found'],
  handler: async (ctx, { params: target, query }) => {
    await requireWebhook(ctx.workspace, target.id);
    return mapPage(await ctx.workspace.outbox.list(pageRequest(query), target.id), viewDelivery);
  },
});

function viewDelivery(row: OutboxRow): z.input<typeof deliveryView> {
  const { id: deliveryId, eventId, eventType, state: outcome, attempts, lastStatus, lastError } = row;
  return {
    ...{ id: deliveryId, eventId, eventType, state: outcome, attempts, lastStatus, lastError },
    nextAttemptAt: outcome === 'waiting' ? iso(row.dueAtMs) : null,
    createdAt: iso(row.createdAtMs),
    finishedAt: isoOrNull(row.finishedAtMs),
  };
}

function refuseUrl(ctx: CallContext, url: string): void {
  const problem = urlProblem(url, ctx.deps.keyLife().allowPrivateWebhooks);
  if (problem !== null) throw invalidField('body', 'url', problem);
}

function change(before: WebhookRow | null, after: WebhookRow) {
  return {
    targetId: after.id,
    before: before && view(before),
    after: view(after),
    propagate: { kind: 'none' } as const,
    answer: () => view(after),
  };
}

async function requireWebhook(workspace: WorkspaceStore, webhookId: string): Promise<WebhookRow> {
  const row = await workspace.webhooks.get(webhookId);
  if (row === null) throw new AppError('not_found', { message: `There is no webhook ${webhookId}.` });
  return row;
}

function view({ createdAtMs, updatedAtMs, ...row }: WebhookRow): z.input<typeof webhookView> {
  return { ...row, events: [...row.events], createdAt: iso(createdAtMs), updatedAt: iso(updatedAtMs) };
}

export const webhooks = [create, list, get, update, remove, test, deliveries] as const;
