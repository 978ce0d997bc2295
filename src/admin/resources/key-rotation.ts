import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { generateSecret } from '../../keys/format.ts';
import { rotateSecrets } from '../../keys/rotate.ts';
import { changeEndpoint, none } from '../contract.ts';
import { durationMs, iso } from '../fields.ts';
import { keyRef, keyView, receiptView, requireKey, viewKey } from './key-view.ts';

export const rotate = changeEndpoint({
  id: 'keys.rotate',
  method: 'POST',
  path: '/keys/:kid/rotate',
  permission: 'keys:rotate',
  summary: 'Rotate a key',
  description:
    'Gives the key a new secret, answered once. Id, scopes, limits and counters stay. The secret of before is accepted for the overlap; answers to it carry Deprecation and Sunset headers.',
  cli: { verb: 'keys rotate' },
  params: z.strictObject({ kid: keyRef }),
  query: none,
  body: z.strictObject({
    overlap: z
      .string()
      .regex(/^\d{1,5}[smhd]$/, 'must be a duration such as 7d, 24h, 30m or 0s')
      .default('24h')
      .describe('How long the old secret is still accepted: such as 7d, 24h, 30m; 0s ends every older one at once.'),
    reason: z.string().trim().min(1).max(500).exactOptional().describe('Why, for the audit log.'),
  }),
  response: keyView
    .extend({ key: z.string().describe('The whole key: in this answer only.'), receipt: receiptView.nullable() })
    .meta({ id: 'RotatedKey' }),
  errors: ['not_found', 'conflict'],
  statusWhilePending: 202,
  audit: { targetKind: 'key' },
  handler: async (ctx, { params: { kid }, body }) => {
    const before = await requireKey(ctx.workspace, kid);
    if (before.state !== 'active' && before.state !== 'suspended') {
      throw new AppError('conflict', {
        message: `The key ${before.kid} is ${before.state}: create a new one instead.`,
      });
    }
    const generated = generateSecret({ type: 'kwk', environment: before.environment, kid: before.kid });
    const rotated = rotateSecrets(before.secrets, ctx.deps.hasher.hash(generated.secret), {
      nowMs: ctx.nowMs,
      overlapMs: durationMs(body.overlap),
    });
    if (!rotated.ok) {
      const message = `Two older secrets of the key ${before.kid} are still accepted, the first until ${iso(rotated.untilMs)}. Wait, or end them with an overlap of 0s.`;
      throw new AppError('conflict', { message });
    }
    const change = { secrets: rotated.secrets, updatedAtMs: ctx.nowMs };
    if (!(await ctx.workspace.keys.update(before.kid, before.revision, change))) {
      throw new AppError('conflict', { message: `The key ${before.kid} was changed meanwhile. Repeat the request.` });
    }
    const after = viewKey(await requireKey(ctx.workspace, before.kid), ctx.nowMs);
    return {
      targetId: before.kid,
      before: viewKey(before, ctx.nowMs),
      after,
      reason: body.reason ?? null,
      propagate: { kind: 'key', kid: before.kid, wait: true },
      answer: (receipt) => ({
        ...after,
        key: generated.text,
        receipt: receipt && { ...receipt, acknowledgedAt: iso(receipt.acknowledgedAtMs) },
      }),
    };
  },
});

export const keyRotation = [rotate] as const;
