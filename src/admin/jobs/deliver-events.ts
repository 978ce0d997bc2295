import type { Job } from '../../watch/jobs/scheduler.ts';
import { postEvent } from '../../watch/webhooks/post-event.ts';
import type { PostResult } from '../../watch/webhooks/post-event.ts';
import { SIGNATURE_HEADER, signPayload } from '../../watch/webhooks/signature.ts';
import type { CallContext } from '../contract.ts';
import type { OutboxRow, WebhookRow } from '../key-life-stores.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert, resolveAlert } from '../raise-alert.ts';
import type { WorkspaceStore } from '../stores.ts';
import { tellUndelivered } from '../lost-secret.ts';
import { forEachWorkspace } from './walk.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** Pauses after each failed attempt; after the last one an event is given up. About a day in all. */
const PAUSES_MS = [
  ...[10, 30].map((seconds) => seconds * SECOND_MS),
  ...[2, 10, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 4, 8, 8].map((hours) => hours * HOUR_MS),
];
/** From this attempt on people are told. */
const ALERT_ATTEMPTS = 3;
const ATTEMPT_MS_MAX = 10_000;
const BATCH_ROWS = 50;
const WEBHOOKS_AT_ONCE = 8;

/** Posts what is in the outbox. An event may arrive twice, after a crash: its id tells. */
export function deliverEventsJob(deps: AdminDeps): Job {
  return {
    name: 'deliver-events',
    everyMs: 2 * SECOND_MS,
    isWanted: async () => {
      for (const { id } of await deps.store.workspaces.list()) {
        const workspace = deps.store.workspace(id);
        for (const webhook of await activeWebhooks(workspace)) {
          if ((await workspace.outbox.due(webhook.id, deps.clock.now(), 1)).length > 0) return true;
        }
      }
      return false;
    },
    run: (signal) => forEachWorkspace(deps, 'system:webhooks', signal, (ctx) => deliverDue(ctx, signal)),
  };
}

/** What waits for a disabled one waits until it is enabled, or too old. */
async function activeWebhooks(workspace: WorkspaceStore): Promise<WebhookRow[]> {
  return (await workspace.webhooks.all()).filter(({ state }) => state === 'active');
}

/** One batch for each webhook, so that none waits for another; what more there is waits for the next run. */
async function deliverDue(ctx: CallContext, signal: AbortSignal): Promise<void> {
  const webhooks = await activeWebhooks(ctx.workspace);
  const lane = async (): Promise<void> => {
    for (let webhook = webhooks.shift(); webhook !== undefined; webhook = webhooks.shift()) {
      await deliverTo(ctx, webhook, signal);
    }
  };
  await Promise.all(Array.from({ length: WEBHOOKS_AT_ONCE }, lane));
}

/** One after the other; when one fails, the receiver is left alone for a while. */
async function deliverTo(ctx: CallContext, webhook: WebhookRow, signal: AbortSignal): Promise<void> {
  const { workspace, deps } = ctx;
  const rows = await workspace.outbox.due(webhook.id, ctx.nowMs, BATCH_ROWS);
  const secret = rows.length === 0 ? null : await workspace.webhooks.secret(webhook.id);
  if (secret === null) return;
  for (const row of rows) {
    if (signal.aborted) return;
    const result = await post(deps, webhook, { row, secret, signal });
    // Broken off by a stop: nothing is known of how it went, so it counts as not tried.
    if (signal.aborted && !isDelivered(result)) return;
    await settle(ctx, webhook, row, result);
    if (!isDelivered(result)) return;
  }
}

interface Attempt {
  readonly row: OutboxRow;
  readonly secret: string;
  readonly signal: AbortSignal;
}

function post(deps: AdminDeps, webhook: WebhookRow, { row, secret, signal }: Attempt): Promise<PostResult> {
  return postEvent({
    url: webhook.url,
    body: row.body,
    headers: {
      'content-type': 'application/json',
      'user-agent': `Keyward/${deps.version}`,
      'keyward-event': row.eventType,
      'keyward-event-id': row.eventId,
      [SIGNATURE_HEADER]: signPayload(secret, row.body, deps.clock.now()),
    },
    allowPrivate: deps.keyLife().allowPrivateWebhooks,
    timeoutMs: ATTEMPT_MS_MAX,
    signal,
  });
}

async function settle(ctx: CallContext, webhook: WebhookRow, row: OutboxRow, result: PostResult): Promise<void> {
  const nowMs = ctx.deps.clock.now();
  const attempts = row.attempts + 1;
  const outcome = {
    attempts,
    lastStatus: 'status' in result ? result.status : null,
    lastError: 'error' in result ? result.error : null,
  };
  const pauseMs = PAUSES_MS[row.attempts];
  await ctx.workspace.transaction(async (tx) => {
    if (isDelivered(result)) {
      await tx.outbox.update(row.id, { ...outcome, state: 'delivered', body: '', finishedAtMs: nowMs });
      await resolveAlert(tx, { kind: 'webhook_failing', subjectId: webhook.id }, nowMs);
      return;
    }
    if (pauseMs === undefined) {
      await tx.outbox.update(row.id, { ...outcome, state: 'failed', body: '', finishedAtMs: nowMs });
      await tellUndelivered(tx, row, nowMs);
    } else {
      await tx.outbox.update(row.id, { ...outcome, dueAtMs: nowMs + pauseMs });
      await tx.outbox.postpone(webhook.id, nowMs + pauseMs);
    }
    if (attempts >= ALERT_ATTEMPTS) await raiseAlert(tx, failing(webhook, outcome, pauseMs === undefined), nowMs);
  });
}

function isDelivered(result: PostResult): boolean {
  return 'status' in result && result.status >= 200 && result.status < 300;
}

function failing(
  webhook: WebhookRow,
  outcome: { readonly lastStatus: number | null; readonly lastError: string | null },
  gaveUp: boolean,
) {
  const how = outcome.lastStatus === null ? (outcome.lastError ?? 'no answer') : `it answers ${outcome.lastStatus}`;
  const what = gaveUp ? 'an event was given up' : 'events wait';
  return {
    kind: 'webhook_failing',
    severity: gaveUp ? 'critical' : 'warning',
    subjectKind: 'webhook',
    subjectId: webhook.id,
    message: `The webhook "${webhook.name}" (${webhook.id}) takes no events: ${how}; ${what}. Look at: webhooks deliveries ${webhook.id}.`,
  } as const;
}
