import { AppError } from '../errors.ts';
import { acceptedUntilMs, generationOf } from '../keys/rotate.ts';
import type { WhenUnused } from '../keys/rotate.ts';
import type { CallContext } from './contract.ts';
import { emitEvent } from './events.ts';
import { isoOrNull } from './fields.ts';
import type { WebhookRow } from './key-life-stores.ts';
import { resolveAlert } from './raise-alert.ts';
import { issueReveal } from './reveal.ts';
import { renewSecrets } from './renew-secrets.ts';
import { delegationAfter } from './resources/key-secret.ts';
import type { KeyRow } from './stores.ts';

/** Where the new secret goes. */
export type Handover =
  /** Into the answer of whoever asked. */
  | { readonly kind: 'answer' }
  /** Sealed, until someone opens its link. */
  | { readonly kind: 'reveal-link'; readonly expiresInMs: number }
  | { readonly kind: 'webhook'; readonly webhookId: string };

export interface RotationOrder {
  readonly key: KeyRow;
  readonly overlapMs: number;
  readonly whenUnused: WhenUnused | null;
  readonly handover: Handover;
  /** The policy that asked for it; null: a person did. */
  readonly policyId: string | null;
}

export interface Rotated {
  readonly after: KeyRow;
  /** The whole key in clear, where it is handed over in the answer. */
  readonly text: string | null;
  /** What opens the reveal link. */
  readonly revealToken: string | null;
}

/**
 * Gives a key a new secret and sees to it that somebody gets it, all in the transaction of the
 * change: a secret that nobody has would stop the key with the end of the old one.
 */
export async function rotateKey(ctx: CallContext, order: RotationOrder): Promise<Rotated> {
  const { key, handover } = order;
  const webhook = handover.kind === 'webhook' ? await receivingWebhook(ctx, handover.webhookId) : null;
  const { text, secrets } = renewSecrets(key, {
    hasher: ctx.deps.hasher,
    nowMs: ctx.nowMs,
    overlapMs: order.overlapMs,
    whenUnused: order.whenUnused,
  });
  const after = await storeSecrets(ctx, key, secrets);
  await ctx.workspace.reveals.eraseOf(key.kid);
  await endRotationAlerts(ctx, key.kid);
  await emitEvent(
    ctx.workspace,
    {
      type: 'key.rotated',
      key: after,
      data: { ...describeSecrets(after), policyId: order.policyId, delivery: handover.kind },
      secretFor: webhook && { webhook, text },
    },
    ctx.nowMs,
  );
  const reveal =
    handover.kind === 'reveal-link'
      ? { key: after, secretText: text, expiresAtMs: ctx.nowMs + handover.expiresInMs }
      : null;
  return {
    after,
    text: handover.kind === 'answer' ? text : null,
    revealToken: reveal && (await issueReveal(ctx, reveal)),
  };
}

/** Stores the secrets of a key; refused where someone changed it meanwhile. */
export async function storeSecrets(ctx: CallContext, key: KeyRow, secrets: KeyRow['secrets']): Promise<KeyRow> {
  const change = { secrets, delegation: delegationAfter(key, secrets), updatedAtMs: ctx.nowMs };
  if (!(await ctx.workspace.keys.update(key.kid, key.revision, change))) {
    throw new AppError('conflict', { message: `The key ${key.kid} was changed meanwhile. Repeat the request.` });
  }
  return { ...key, ...change, revision: key.revision + 1 };
}

/** What a key was told to do about its old secrets is done: nothing is left to be warned of. */
export async function endRotationAlerts(ctx: CallContext, kid: string): Promise<void> {
  for (const kind of ['rotation_due', 'rotation_blocked', 'key_too_old', 'secret_waiting', 'secret_lost'] as const) {
    await resolveAlert(ctx.workspace, { kind, subjectId: kid }, ctx.nowMs);
  }
}

/** Which secrets there are, without anything that could be used. */
export function describeSecrets(key: KeyRow) {
  return {
    secrets: key.secrets.map((secret) => ({
      generation: generationOf(secret),
      state: secret.state,
      acceptedUntil: isoOrNull(acceptedUntilMs(secret, key.expiresAtMs)),
    })),
  };
}

/** A webhook that can be trusted with a secret. */
export async function receivingWebhook(ctx: CallContext, webhookId: string): Promise<WebhookRow> {
  const webhook = await ctx.workspace.webhooks.get(webhookId);
  if (webhook === null) throw new AppError('conflict', { message: `There is no webhook ${webhookId}.` });
  if (webhook.state !== 'active') {
    throw new AppError('conflict', { message: `The webhook ${webhookId} is disabled. Enable it first.` });
  }
  if (webhook.publicKey === null) {
    throw new AppError('conflict', {
      message: `The webhook ${webhookId} has no public key: no secret is sent to it. Give it one first.`,
    });
  }
  return webhook;
}
