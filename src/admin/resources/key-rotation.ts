import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { lastUseOf } from '../../calls/key-activity.ts';
import { cancelRotation, completeRotation, generationOf } from '../../keys/rotate.ts';
import type { Change } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none } from '../contract.ts';
import { emitEvent } from '../events.ts';
import { durationMs, id, iso } from '../fields.ts';
import { activityOf } from '../known-activity.ts';
import type { Receipt } from '../ports.ts';
import { renewReveal, revealUrl } from '../reveal.ts';
import { describeSecrets, endRotationAlerts, rotateKey, storeSecrets } from '../rotate-key.ts';
import type { Handover } from '../rotate-key.ts';
import type { KeyRow } from '../stores.ts';
import { invalidField } from '../validation.ts';
import { keyRef, keyView, receiptView, requireKey, viewKey } from './key-view.ts';
import { rotationFields, whenUnusedOf } from './rotation-fields.ts';

const params = z.strictObject({ kid: keyRef });
const reason = z.string().trim().min(1).max(500).exactOptional().describe('Why, for the audit log.');
const stateChange = keyView.extend({ receipt: receiptView.nullable() }).meta({ id: 'RotationChange' });

export const rotate = changeEndpoint({
  id: 'keys.rotate',
  method: 'POST',
  path: '/keys/:kid/rotate',
  permission: 'keys:rotate',
  summary: 'Rotate a key',
  description:
    'Gives the key a new secret: answered once, or delivered by a one-time link or a sealed webhook. Id, scopes, limits and counters stay. The secret of before is accepted for the overlap; answers to it carry Deprecation and Sunset headers.',
  cli: { verb: 'keys rotate' },
  params,
  query: none,
  body: z.strictObject({
    ...rotationFields,
    deliver: z
      .enum(['answer', 'reveal-link', 'webhook'])
      .default('answer')
      .describe('Where the new secret goes: into this answer, into a link that opens once, or sealed to a webhook.'),
    webhookId: id.exactOptional().describe('The webhook that gets it; it needs a public key.'),
    linkExpiresIn: z
      .string()
      .regex(/^[1-9]\d{0,3}[smhd]$/, 'must be a duration such as 24h, 30m or 7d')
      .default('24h')
      .describe('How long the link can be opened.'),
    reason,
  }),
  response: keyView
    .extend({
      key: z.string().nullable().describe('The whole key: in this answer only; null when it was delivered otherwise.'),
      revealLink: z.string().nullable().describe('Opens once. Whoever has it gets the key.'),
      receipt: receiptView.nullable(),
    })
    .meta({ id: 'RotatedKey' }),
  errors: ['not_found', 'conflict'],
  statusWhilePending: 202,
  audit: { targetKind: 'key' },
  handler: async (ctx, { params: { kid }, body }) => {
    const before = await requireKey(ctx.workspace, kid);
    const { after, text, revealToken } = await rotateKey(ctx, {
      key: before,
      overlapMs: durationMs(body.overlap),
      whenUnused: whenUnusedOf(body),
      handover: handoverOf(body),
      policyId: null,
    });
    const revealLink = revealToken && revealUrl(ctx.deps, revealToken);
    return keyChange(ctx, before, after, body.reason, (view, receipt) => ({
      ...{ ...view, key: text, revealLink, receipt },
    }));
  },
});

const complete = changeEndpoint({
  id: 'keys.complete-rotation',
  method: 'POST',
  path: '/keys/:kid/rotation/complete',
  permission: 'keys:rotate',
  summary: 'Complete a rotation now',
  description: 'Ends every older secret of the key at once, whoever still uses it: "keys adoption" shows who does.',
  cli: { verb: 'keys complete-rotation' },
  params,
  query: none,
  body: z.strictObject({ reason }),
  response: stateChange,
  errors: ['not_found', 'conflict'],
  statusWhilePending: 202,
  audit: { targetKind: 'key' },
  handler: async (ctx, { params: { kid }, body }) => {
    const before = await requireKey(ctx.workspace, kid);
    const secrets = completeRotation(before.secrets, ctx.nowMs);
    if (secrets === null) throw nothingRetires(before);
    const after = await storeSecrets(ctx, before, secrets);
    const data = { ...describeSecrets(after), why: 'asked for' };
    await emitEvent(ctx.workspace, { type: 'key.rotation_completed', key: after, data }, ctx.nowMs);
    return keyChange(ctx, before, after, body.reason, (view, receipt) => ({ ...view, receipt }));
  },
});

const cancel = changeEndpoint({
  id: 'keys.cancel-rotation',
  method: 'POST',
  path: '/keys/:kid/rotation/cancel',
  permission: 'keys:rotate',
  summary: 'Take a rotation back',
  description:
    'Makes the secret of before the current one again, while it is still accepted, and ends the new one. Refused once the new one was used.',
  cli: { verb: 'keys cancel-rotation' },
  params,
  query: none,
  body: z.strictObject({ reason }),
  response: stateChange,
  errors: ['not_found', 'conflict'],
  statusWhilePending: 202,
  audit: { targetKind: 'key' },
  handler: async (ctx, { params: { kid }, body }) => {
    const before = await requireKey(ctx.workspace, kid);
    const secrets = cancelRotation(before.secrets, ctx.nowMs);
    if (secrets === null) throw nothingRetires(before);
    const current = before.secrets.find(({ state }) => state === 'current');
    const usedMs = current && lastUseOf(await activityOf(ctx, before.kid), generationOf(current));
    if (typeof usedMs === 'number') {
      throw new AppError('conflict', {
        message: `The new secret of the key ${before.kid} was used already, last at ${iso(usedMs)}: ending it would stop a caller. Rotate again instead.`,
      });
    }
    const after = await storeSecrets(ctx, before, secrets);
    await ctx.workspace.reveals.eraseOf(before.kid);
    await endRotationAlerts(ctx, before.kid);
    const data = describeSecrets(after);
    await emitEvent(ctx.workspace, { type: 'key.rotation_cancelled', key: after, data }, ctx.nowMs);
    return keyChange(ctx, before, after, body.reason, (view, receipt) => ({ ...view, receipt }));
  },
});

const revealLink = changeEndpoint({
  id: 'keys.reveal-link',
  method: 'POST',
  path: '/keys/:kid/reveal-link',
  permission: 'keys:rotate',
  summary: 'Get a link to a secret that waits',
  description:
    'A new secret that was made by a policy, or whose link got lost, waits sealed until someone opens it. This makes a fresh link that opens once; the one before is dead.',
  cli: { verb: 'keys reveal-link' },
  params,
  query: none,
  body: none,
  response: z.object({ kid: z.string(), revealLink: z.string() }).meta({ id: 'RevealLink' }),
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'key' },
  handler: async (ctx, { params: { kid } }) => {
    const key = await requireKey(ctx.workspace, kid);
    const token = await renewReveal(ctx, key);
    if (token === null) {
      throw new AppError('conflict', {
        message: `No secret of the key ${key.kid} waits to be opened: it was opened, or has expired. Rotate the key.`,
      });
    }
    const view = viewKey(key, ctx.nowMs);
    return {
      targetId: key.kid,
      before: view,
      after: view,
      propagate: { kind: 'none' },
      answer: () => ({ kid: key.kid, revealLink: revealUrl(ctx.deps, token) }),
    };
  },
});

function handoverOf(body: {
  readonly deliver: Handover['kind'];
  readonly webhookId?: string;
  readonly linkExpiresIn: string;
}): Handover {
  if (body.webhookId !== undefined && body.deliver !== 'webhook') {
    throw invalidField('body', 'webhookId', 'needs deliver to be webhook');
  }
  switch (body.deliver) {
    case 'answer':
      return { kind: 'answer' };
    case 'reveal-link':
      return { kind: 'reveal-link', expiresInMs: durationMs(body.linkExpiresIn) };
    case 'webhook':
      if (body.webhookId === undefined) throw invalidField('body', 'webhookId', 'is required to deliver by webhook');
      return { kind: 'webhook', webhookId: body.webhookId };
  }
}

type KeyView = ReturnType<typeof viewKey>;
type ReceiptView = z.input<typeof receiptView> | null;

function keyChange<Out>(
  ctx: CallContext,
  before: KeyRow,
  afterRow: KeyRow,
  why: string | undefined,
  answer: (view: KeyView, receipt: ReceiptView) => Out,
): Change<Out> {
  const after = viewKey(afterRow, ctx.nowMs);
  return {
    targetId: before.kid,
    before: viewKey(before, ctx.nowMs),
    after,
    reason: why ?? null,
    propagate: { kind: 'key', kid: before.kid, wait: true },
    answer: (receipt) => answer(after, viewReceipt(receipt)),
  };
}

function viewReceipt(receipt: Receipt | null): ReceiptView {
  return receipt && { ...receipt, acknowledgedAt: iso(receipt.acknowledgedAtMs) };
}

function nothingRetires(key: KeyRow): AppError {
  return new AppError('conflict', { message: `No older secret of the key ${key.kid} is accepted any more.` });
}

export const keyRotation = [rotate, complete, cancel, revealLink] as const;
