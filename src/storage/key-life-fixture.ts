/** Rows of what happens to keys by rule and by job, for the tests of this folder. */
import type { AlertRow, OutboxRow, RevealRow, RotationPolicyRow, WebhookRow } from '../admin/key-life-stores.ts';
import type { KeyActivity } from '../calls/key-activity.ts';
import { NOW_MS } from './store-fixture.ts';

export function activity(values: Partial<KeyActivity> & Pick<KeyActivity, 'kid'>): KeyActivity {
  return { lastUsedAtMs: NOW_MS, lastAddress: '10.0.0.7', generations: [], callers: [], ...values };
}

export function policyRow(row: Partial<RotationPolicyRow> & Pick<RotationPolicyRow, 'id'>): RotationPolicyRow {
  return {
    name: `policy ${row.id}`,
    position: 1,
    state: 'active',
    selector: { applicationIds: null, teamIds: ['team_1'], tags: null, environment: 'live' },
    intervalMs: 86_400_000,
    maximumAgeMs: null,
    overlapMs: 3_600_000,
    whenUnused: { unusedForMs: 60_000, latestMs: 7_200_000 },
    delivery: { kind: 'webhook', webhookId: 'whk_1' },
    idleAfterMs: null,
    suspendIdle: true,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    ...row,
  };
}

export function revealRow(
  row: Partial<RevealRow> & Pick<RevealRow, 'id' | 'kid'>,
): Omit<RevealRow, 'openedAtMs' | 'sealed'> {
  return {
    hash: '\0'.repeat(32),
    pepperVersion: 1,
    expiresAtMs: NOW_MS + 1000,
    createdAtMs: NOW_MS,
    createdBy: 'tester',
    ...row,
  };
}

export function webhookRow(row: Partial<WebhookRow> & Pick<WebhookRow, 'id'>): WebhookRow {
  return {
    name: `webhook ${row.id}`,
    url: 'https://example.com/hook',
    events: ['*'],
    state: 'active',
    publicKey: null,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    ...row,
  };
}

export function outboxRow(row: Partial<OutboxRow> & Pick<OutboxRow, 'id' | 'webhookId'>): OutboxRow {
  return {
    eventId: 'evt_1',
    eventType: 'key.rotated',
    body: '{}',
    state: 'waiting',
    attempts: 0,
    dueAtMs: NOW_MS,
    createdAtMs: NOW_MS,
    finishedAtMs: null,
    lastStatus: null,
    lastError: null,
    ...row,
  };
}

export function alertRow(row: Partial<AlertRow> & Pick<AlertRow, 'id' | 'dedupeKey'>): AlertRow {
  return {
    kind: 'key_idle',
    severity: 'info',
    subjectKind: 'key',
    subjectId: 'kid000000001',
    message: 'a key is idle',
    detail: { suspended: false },
    state: 'open',
    firstSeenAtMs: NOW_MS,
    lastSeenAtMs: NOW_MS,
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    resolvedAtMs: null,
    ...row,
  };
}
