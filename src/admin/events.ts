import { fingerprintOf } from '../keys/format.ts';
import { sealTo } from '../watch/webhooks/sealed-secret.ts';
import { AppError } from '../errors.ts';
import { iso, isoOrNull } from './fields.ts';
import type { WebhookRow } from './key-life-stores.ts';
import { newId } from './new-id.ts';
import type { KeyRow, WorkspaceStore } from './stores.ts';

/** Everything that webhooks can be told of. */
export const EVENT_TYPES = [
  'key.rotated',
  'key.rotation_completed',
  'key.rotation_cancelled',
  'key.expiring',
  'key.expired',
  'key.idle',
  'key.suspended',
  'key.too_old',
  'response.taken',
  'response.ended',
  'alert.raised',
  'alert.resolved',
  'webhook.test',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

export interface Event {
  readonly type: EventType;
  readonly key: KeyRow | null;
  /** Of the type's own form; never with a secret. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The one webhook that gets the new secret too, whatever it subscribed to. */
  readonly secretFor?: { readonly webhook: WebhookRow; readonly text: string } | null;
}

/** Events that wait for one webhook. More are dropped: whoever was away for so long has to read the API. */
export const WAITING_MAX = 10_000;

/**
 * Puts an event into the outbox of every active webhook that asked for its type, in the transaction
 * of the change that it tells of. A secret is sealed here: what is stored can only be opened by its
 * receiver.
 */
export async function emitEvent(tx: WorkspaceStore, event: Event, nowMs: number): Promise<void> {
  const { secretFor = null } = event;
  const webhooks = (await tx.webhooks.all()).filter(
    (webhook) =>
      webhook.id === secretFor?.webhook.id || (webhook.state === 'active' && subscribes(webhook, event.type)),
  );
  if (webhooks.length === 0) return;
  const eventId = newId('evt', nowMs);
  const body = bodyOf(tx.workspaceId, eventId, event, nowMs);
  for (const webhook of webhooks) {
    const secret = webhook.id === secretFor?.webhook.id ? secretFor.text : null;
    await enqueue(tx, { webhook, eventId, type: event.type, body, secret }, nowMs);
  }
}

/** Puts an event into the outbox of one webhook, whatever it subscribed to. */
export async function emitTo(tx: WorkspaceStore, webhook: WebhookRow, event: Event, nowMs: number): Promise<string> {
  const eventId = newId('evt', nowMs);
  const body = bodyOf(tx.workspaceId, eventId, event, nowMs);
  await enqueue(tx, { webhook, eventId, type: event.type, body, secret: null }, nowMs);
  return eventId;
}

interface Envelope {
  readonly webhook: WebhookRow;
  readonly eventId: string;
  readonly type: EventType;
  readonly body: Readonly<Record<string, unknown>>;
  readonly secret: string | null;
}

async function enqueue(tx: WorkspaceStore, envelope: Envelope, nowMs: number): Promise<void> {
  const { webhook, eventId, type, body, secret } = envelope;
  if ((await tx.outbox.waiting(webhook.id)) >= WAITING_MAX) {
    if (secret === null) return;
    throw new AppError('conflict', {
      message: `${WAITING_MAX} events wait for the webhook ${webhook.id} already: the new secret could not be delivered. Correct or delete the webhook.`,
    });
  }
  await tx.outbox.insert({
    id: newId('dlv', nowMs),
    webhookId: webhook.id,
    eventId,
    eventType: type,
    body: JSON.stringify(secret === null ? body : { ...body, sealedSecret: sealed(webhook, secret, eventId) }),
    state: 'waiting',
    attempts: 0,
    dueAtMs: nowMs,
    createdAtMs: nowMs,
    finishedAtMs: null,
    lastStatus: null,
    lastError: null,
  });
}

function sealed(webhook: WebhookRow, secret: string, eventId: string) {
  if (webhook.publicKey !== null) return sealTo(webhook.publicKey, secret, eventId);
  throw new AppError('conflict', {
    message: `The webhook ${webhook.id} has no public key: no secret is sent to it. Give it one first.`,
  });
}

function subscribes(webhook: WebhookRow, type: EventType): boolean {
  return webhook.events.includes('*') || webhook.events.includes(type);
}

function bodyOf(workspaceId: string, eventId: string, { type, key, data }: Event, nowMs: number) {
  return { id: eventId, type, at: iso(nowMs), workspaceId, key: key && describeKey(key), data };
}

function describeKey(key: KeyRow) {
  return {
    kid: key.kid,
    fingerprint: fingerprintOf(key),
    name: key.name,
    applicationId: key.applicationId,
    environment: key.environment,
    state: key.state,
    expiresAt: isoOrNull(key.expiresAtMs),
  };
}
