import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { KeyState } from '../../keys/key-record.ts';
import { chooseKeys, keySelectors } from '../choose-keys.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none } from '../contract.ts';
import { count, iso, pageOfArray, pageRequest } from '../fields.ts';
import { impactQuery, impactView, keyBefore, withImpact } from '../impact.ts';
import { allows } from '../rbac.ts';
import type { Permission } from '../rbac.ts';
import type { KeyRow } from '../stores.ts';
import { receiptView } from './key-view.ts';

/** Keys that one call changes: more are refused, and can be taken in parts. */
const KEYS_MAX = 20_000;
/** Updates between two looks at what else there is to do. */
const BATCH = 500;

const ACTIONS = {
  suspend: { to: 'suspended', from: ['active'], permission: 'keys:suspend' },
  resume: { to: 'active', from: ['suspended'], permission: 'keys:suspend' },
  revoke: { to: 'revoked', from: ['active', 'suspended'], permission: 'keys:revoke' },
  'mark-compromised': { to: 'compromised', from: ['active', 'suspended', 'revoked'], permission: 'keys:revoke' },
} as const satisfies Record<
  string,
  { readonly to: KeyState; readonly from: readonly KeyState[]; readonly permission: Permission }
>;

type Action = keyof typeof ACTIONS;

const changedKey = z.object(keyBefore).meta({ id: 'ChangedKeyOfMany' });

const bulk = changeEndpoint({
  id: 'keys.bulk',
  method: 'POST',
  path: '/keys/bulk',
  permission: 'keys:bulk',
  summary: 'Change the state of many keys',
  description:
    'Of the keys that every given selector names, those that can be are suspended, resumed, revoked or marked as compromised: all or none, with an audit entry each. Answers 200 when it is in force on every worker, 202 when some worker has not acknowledged it yet. Needs the permission for the action, too.',
  cli: { verb: 'keys bulk' },
  params: none,
  query: z.strictObject({
    preview: impactQuery.preview,
    cursor: impactQuery.cursor.describe('The `next` of the answer before; or its `impact.next`, for that list alone.'),
    limit: impactQuery.limit,
    wait: z.enum(['all', 'none']).default('all').describe('all: answers when every worker has acknowledged.'),
  }),
  body: z.strictObject({
    action: z.enum(['suspend', 'resume', 'revoke', 'mark-compromised']),
    ...keySelectors,
    reason: z.string().trim().min(1).max(500).exactOptional().describe('Why, for the audit log and for the keys.'),
  }),
  response: z
    .object({
      action: z.string(),
      matched: count.describe('Keys that the selectors name.'),
      changed: count.describe('Those of them that were in a state to be changed.'),
      keys: z.array(changedKey).describe('A page of these, by key id.'),
      next: z.string().nullable().describe('The cursor of the next page; null at the end.'),
      impact: impactView.describe('What it does to calls: a key that was refused before neither stops nor resumes.'),
      receipt: receiptView.nullable().describe('Null when nobody waited, or nothing was changed.'),
    })
    .meta({ id: 'BulkChange' }),
  errors: ['conflict'],
  statusWhilePending: 202,
  audit: { targetKind: 'key' },
  handler: async (ctx, { query, body: { action, reason = null, ...selectors } }) => {
    requirePermission(ctx, action);
    const matched = await chooseKeys(ctx, selectors);
    const before = matched.filter(({ state }) => ACTIONS[action].from.some((from) => from === state));
    if (before.length > KEYS_MAX) {
      throw new AppError('conflict', {
        message: `${before.length} keys would be changed; one call changes at most ${KEYS_MAX}. Name fewer with another selector, and repeat.`,
      });
    }
    const byKid = new Map(before.map((row) => [row.kid, row]));
    const kids = [...byKid.keys()];
    const { impact } = await withImpact(
      ctx,
      {
        workspace: ctx.workspace,
        beneath: { kind: 'these', kids },
        query,
        undo: (row) => byKid.get(row.kid) ?? row,
      },
      () => changeAll(ctx, before, patchOf(ctx, action, reason)),
    );
    const view = { action, matched: matched.length, changed: before.length, ...changedPage(before, query), impact };
    return {
      targetId: '',
      before: null,
      after: null,
      targets: before.map((row) => ({
        targetId: row.kid,
        before: { state: row.state, stateReason: row.stateReason },
        after: { state: ACTIONS[action].to, stateReason: reason },
      })),
      reason,
      propagate: kids.length === 0 ? { kind: 'none' } : { kind: 'keys', kids, wait: query.wait === 'all' },
      answer: (receipt) => ({
        ...view,
        receipt: receipt && { ...receipt, acknowledgedAt: iso(receipt.acknowledgedAtMs) },
      }),
    };
  },
});

function requirePermission({ principal }: CallContext, action: Action): void {
  const { permission } = ACTIONS[action];
  if (allows(principal, permission)) return;
  throw new AppError('forbidden', {
    message: `This admin token does not have the permission that this action needs: ${permission}.`,
  });
}

function changedPage(rows: readonly KeyRow[], query: { readonly cursor?: string; readonly limit: number }) {
  const { items, next } = pageOfArray(
    rows.map((row) => ({ ...row, id: row.kid })),
    pageRequest(query),
  );
  const keys = items.map(({ kid, name, applicationId, ownerId, state }) => ({
    kid,
    name,
    applicationId,
    ownerId,
    state,
  }));
  return { keys, next };
}

type Patch = Pick<KeyRow, 'state' | 'suspension' | 'stateReason' | 'updatedAtMs'>;

function patchOf({ nowMs }: CallContext, action: Action, stateReason: string | null): Patch {
  return { state: ACTIONS[action].to, suspension: null, stateReason, updatedAtMs: nowMs };
}

async function changeAll({ workspace, nowMs }: CallContext, rows: readonly KeyRow[], patch: Patch): Promise<void> {
  const gone = patch.state === 'revoked' || patch.state === 'compromised';
  for (const [index, { kid, revision, revokedAtMs }] of rows.entries()) {
    const when = gone ? (revokedAtMs ?? nowMs) : null;
    if (!(await workspace.keys.update(kid, revision, { ...patch, revokedAtMs: when }))) {
      throw new AppError('conflict', { message: `The key ${kid} was changed meanwhile. Repeat the request.` });
    }
    if (index % BATCH === BATCH - 1) await setImmediate();
  }
}

export const keysBulk = [bulk] as const;
