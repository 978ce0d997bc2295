import type { Job } from '../../watch/jobs/scheduler.ts';
import { postEvent } from '../../watch/webhooks/post-event.ts';
import type { PostResult } from '../../watch/webhooks/post-event.ts';
import { SIGNATURE_HEADER, signPayload } from '../../watch/webhooks/signature.ts';
import type { CallContext } from '../contract.ts';
import type { OutboxRow, WebhookRow } from '../key-life-stores.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert, resolveAlert } from '../raise-alert.ts';
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
const BATCH_ROWS = 100;
const WEBHOOKS_AT_ONCE = 8;
const DISABLED_PAUSE_MS = 10 * MINUTE_MS;

/** Posts what is in the outbox. An event may arrive twice, after a crash: its id tells. */
export function deliverEventsJob(deps: AdminDeps): Job {
  return {
    name: 'deliver-events',
    everyMs: 2 * SECOND_MS,
    isWanted: async () => {
      for (const { id } of await deps.store.workspaces.list()) {
        if ((await deps.store.workspace(id).outbox.due(deps.clock.now(), 1)).length > 0) return true;
      }
      return false;
    },
    run: (signal) => forEachWorkspace(deps, 'system:webhooks', signal, (ctx) => deliverDue(ctx, signal)),
  };
}

/** One batch: what more there is waits for the next run. */
async function deliverDue(ctx: CallContext, signal: AbortSignal): Promise<void> {
  const rows = await ctx.workspace.outbox.due(ctx.nowMs, BATCH_ROWS);
  const queues = [...Map.groupBy(rows, ({ webhookId }) => webhookId)];
  const lane = async (): Promise<void> => {
    for (let queue = queues.shift(); queue !== undefined; queue = queues.shift()) {
      await deliverTo(ctx, queue[0], queue[1], signal);
    }
  };
  await Promise.all(Array.from({ length: WEBHOOKS_AT_ONCE }, lane));
}

/** One after the other; when one fails, the receiver is left alone until the next run. */
async function deliverTo(
  ctx: CallContext,
  webhookId: string,
  rows: readonly OutboxRow[],
  signal: AbortSignal,
): Promise<void> {
  const { workspace, deps } = ctx;
  const [webhook, secret] = [await workspace.webhooks.get(webhookId), await workspace.webhooks.secret(webhookId)];
  if (webhook === null || secret === null) {
    await workspace.outbox.drop(webhookId);
    return;
  }
  for (const row of rows) {
    if (signal.aborted) return;
    if (webhook.state === 'disabled') {
      await workspace.outbox.update(row.id, { dueAtMs: ctx.nowMs + DISABLED_PAUSE_MS });
      continue;
    }
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
      await tellLostSecret({ ...ctx, workspace: tx, nowMs }, row);
    } else {
      await tx.outbox.update(row.id, { ...outcome, dueAtMs: nowMs + pauseMs });
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

/** An event that carried a new secret was given up: nobody has it. */
async function tellLostSecret(ctx: CallContext, row: OutboxRow): Promise<void> {
  const event: unknown = JSON.parse(row.body);
  const carried = typeof event === 'object' && event !== null && 'sealedSecret' in event && 'key' in event;
  const key = carried ? event.key : null;
  if (typeof key !== 'object' || key === null || !('kid' in key) || typeof key.kid !== 'string') return;
  const message = `The new secret of the key ${key.kid} could not be delivered and is lost. Rotate it again before the old one ends: keys rotate ${key.kid}.`;
  const condition = { kind: 'secret_lost', severity: 'critical', subjectKind: 'key', subjectId: key.kid } as const;
  await raiseAlert(ctx.workspace, { ...condition, message }, ctx.nowMs);
}
