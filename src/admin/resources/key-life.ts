import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { KeyState } from '../../keys/key-record.ts';
import type { Change } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint } from '../contract.ts';
import { iso } from '../fields.ts';
import { keyRef, keyView, receiptView, requireKey, viewKey } from './key-view.ts';

const params = z.strictObject({ kid: keyRef });
const query = z.strictObject({
  wait: z.enum(['all', 'none']).default('all').describe('all: answers when every worker has acknowledged.'),
});
const reason = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .exactOptional()
  .describe('Why, for the audit log and for whoever looks at the key.');
const response = keyView
  .extend({ receipt: receiptView.nullable().describe('Null when nobody waited.') })
  .meta({ id: 'KeyStateChange' });

export const revoke = changeEndpoint({
  id: 'keys.revoke',
  method: 'POST',
  path: '/keys/:kid/revoke',
  permission: 'keys:revoke',
  summary: 'Revoke a key',
  description:
    'For good. Answers 200 when the revocation is in force on every worker, with the receipt; 202 when it is stored but some worker has not acknowledged it yet. Revoking again is allowed.',
  cli: { verb: 'keys revoke' },
  params,
  query,
  body: z.strictObject({
    reason,
    compromised: z.boolean().default(false).describe('Marks the key as compromised: someone else may have it.'),
  }),
  response,
  errors: ['not_found', 'conflict'],
  statusWhilePending: 202,
  audit: { targetKind: 'key' },
  handler: (ctx, { params: { kid }, query: { wait }, body }) =>
    changeState(ctx, {
      kid,
      wait,
      to: body.compromised ? 'compromised' : 'revoked',
      from: body.compromised ? ['active', 'suspended', 'revoked'] : ['active', 'suspended'],
      ...(body.reason === undefined ? {} : { reason: body.reason }),
    }),
});

const suspend = changeEndpoint({
  id: 'keys.suspend',
  method: 'POST',
  path: '/keys/:kid/suspend',
  permission: 'keys:suspend',
  summary: 'Suspend a key',
  description: 'Until it is resumed. Answers like revoke.',
  cli: { verb: 'keys suspend' },
  params,
  query,
  body: z.strictObject({ reason }),
  response,
  errors: ['not_found', 'conflict'],
  statusWhilePending: 202,
  audit: { targetKind: 'key' },
  handler: (ctx, { params: { kid }, query: { wait }, body }) =>
    changeState(ctx, { kid, wait, to: 'suspended', from: ['active'], ...body }),
});

const resume = changeEndpoint({
  id: 'keys.resume',
  method: 'POST',
  path: '/keys/:kid/resume',
  permission: 'keys:suspend',
  summary: 'Resume a suspended key',
  description: 'Answers like revoke. A key that was revoked stays revoked.',
  cli: { verb: 'keys resume' },
  params,
  query,
  body: z.strictObject({ reason }),
  response,
  errors: ['not_found', 'conflict'],
  statusWhilePending: 202,
  audit: { targetKind: 'key' },
  handler: (ctx, { params: { kid }, query: { wait }, body }) =>
    changeState(ctx, { kid, wait, to: 'active', from: ['suspended'], ...body }),
});

interface StateChange {
  readonly kid: string;
  readonly wait: 'all' | 'none';
  readonly to: KeyState;
  /** States it may come from; being there already is no mistake. */
  readonly from: readonly KeyState[];
  readonly reason?: string;
}

async function changeState(ctx: CallContext, wish: StateChange): Promise<Change<z.input<typeof response>>> {
  const before = await requireKey(ctx.workspace, wish.kid);
  const to = reached(before.state, wish.to);
  if (before.state !== to && !wish.from.includes(before.state)) {
    throw new AppError('conflict', {
      message: `The key ${before.kid} is ${before.state}: it cannot become ${wish.to}.`,
    });
  }
  const gone = to === 'revoked' || to === 'compromised';
  const updated = await ctx.workspace.keys.update(before.kid, before.revision, {
    state: to,
    ...(before.state === to ? {} : { suspension: to === 'suspended' ? { automatic: false, untilMs: null } : null }),
    stateReason: wish.reason ?? (before.state === to ? before.stateReason : null),
    revokedAtMs: gone ? (before.revokedAtMs ?? ctx.nowMs) : null,
    updatedAtMs: ctx.nowMs,
  });
  if (!updated)
    throw new AppError('conflict', { message: `The key ${before.kid} was changed meanwhile. Repeat the request.` });
  const after = viewKey(await requireKey(ctx.workspace, before.kid), ctx.nowMs);
  return {
    targetId: before.kid,
    before: viewKey(before, ctx.nowMs),
    after,
    reason: wish.reason ?? null,
    propagate: { kind: 'key', kid: before.kid, wait: wish.wait === 'all' },
    answer: (receipt) => ({
      ...after,
      receipt: receipt && { ...receipt, acknowledgedAt: iso(receipt.acknowledgedAtMs) },
    }),
  };
}

/** Revoking a compromised key leaves it compromised, which says more. */
function reached(current: KeyState, wished: KeyState): KeyState {
  return current === 'compromised' && wished === 'revoked' ? 'compromised' : wished;
}

export const keyLife = [revoke, suspend, resume] as const;
