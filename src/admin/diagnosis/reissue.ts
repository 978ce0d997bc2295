/** A new secret for a key, or a new key in its place. */
import { AppError } from '../../errors.ts';
import { generateKey } from '../../keys/format.ts';
import { recordChange } from '../change.ts';
import type { Change } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { durationMs, iso } from '../fields.ts';
import { delegationAfter, freshSecret } from '../resources/key-secret.ts';
import { revoke } from '../resources/key-life.ts';
import { rotate } from '../resources/key-rotation.ts';
import { viewKey } from '../resources/key-view.ts';
import { update } from '../resources/keys.ts';
import type { KeyRow } from '../stores.ts';

export interface ReissueWish {
  readonly mode: 'rotate' | 'replace';
  /** How long the old secret or key is still accepted. */
  readonly overlap: string;
  readonly reason: string;
}

export interface Reissued {
  /** The whole key: to be shown once. */
  readonly key: string;
  readonly kid: string;
  readonly kids: readonly string[];
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Inside a transaction; every change of a key has an audit entry of its own. */
export async function reissue(tx: CallContext, row: KeyRow, wish: ReissueWish): Promise<Reissued> {
  if (row.type !== 'kwk') {
    throw new AppError('conflict', {
      message: `${row.kid} is a temporary key: mint a new one from the key it came from.`,
    });
  }
  return wish.mode === 'rotate' ? rotated(tx, row, wish) : replaced(tx, row, wish);
}

async function rotated(tx: CallContext, row: KeyRow, { overlap, reason }: ReissueWish): Promise<Reissued> {
  const body = { ...ROTATION, overlap, reason };
  const input = { params: { kid: row.kid }, query: {}, body };
  const change = await recordChange(tx, { action: rotate.id, targetKind: 'key' }, (ctx) => rotate.change(ctx, input));
  const evidence = { mode: 'rotate', kid: row.kid, oldSecret: ending(tx, overlap) };
  const { key } = change.answer(null);
  if (key === null) throw new AppError('internal_error', { internal: 'a rotation kept its new secret to itself' });
  return { key, kid: row.kid, kids: [row.kid], evidence };
}

/** Into this answer, and the old secret ends with the overlap. */
const ROTATION = {
  completion: 'at-end',
  unusedFor: '24h',
  latest: '30d',
  deliver: 'answer',
  linkExpiresIn: '24h',
} as const;

/** The same owner, application, scopes and limits, as of when they were set: a new key widens nothing. */
async function replaced(tx: CallContext, row: KeyRow, { overlap, reason }: ReissueWish): Promise<Reissued> {
  const generated = generateKey({ type: 'kwk', environment: row.environment });
  const isOver = row.expiresAtMs !== null && row.expiresAtMs <= tx.nowMs;
  const secrets = [freshSecret(tx.deps.hasher, generated.secret, tx.nowMs)];
  // What was seen of the old key was seen of that one alone.
  const { lastUsedAtMs: _lastUsed, watchedSinceMs: _watched, ...same } = row;
  const fresh: KeyRow = {
    ...same,
    kid: generated.kid,
    secrets,
    delegation: delegationAfter(row, secrets),
    ...{ state: 'active', suspension: null, stateReason: null, revokedAtMs: null, revision: 1 },
    ...{ notBeforeMs: null, expiresAtMs: isOver ? null : row.expiresAtMs },
    ...{ createdAtMs: tx.nowMs, createdBy: tx.principal.actor, updatedAtMs: tx.nowMs },
  };
  await recordChange(tx, { action: 'keys.create', targetKind: 'key' }, async (ctx) => {
    await ctx.workspace.keys.insert(fresh);
    return creation(ctx, fresh, reason);
  });
  const end = await endOld(tx, row, overlap, reason);
  const evidence = { mode: 'replace', kid: fresh.kid, replaces: row.kid, oldKey: end };
  return { key: generated.text, kid: fresh.kid, kids: [fresh.kid, row.kid], evidence };
}

function creation(ctx: CallContext, row: KeyRow, reason: string): Change<null> {
  const propagate = { kind: 'none' } as const;
  return { targetId: row.kid, before: null, after: viewKey(row, ctx.nowMs), reason, propagate, answer: () => null };
}

/** The old key is revoked, or ends with the overlap; one that is over already stays as it is. */
async function endOld(tx: CallContext, row: KeyRow, overlap: string, reason: string): Promise<string> {
  if (row.state === 'revoked' || row.state === 'compromised') return row.state;
  const params = { kid: row.kid };
  const endsMs = tx.nowMs + durationMs(overlap);
  if (endsMs === tx.nowMs || (row.expiresAtMs !== null && row.expiresAtMs <= tx.nowMs)) {
    const input = { params, query: { wait: 'all' as const }, body: { reason, compromised: false } };
    await recordChange(tx, { action: revoke.id, targetKind: 'key' }, (ctx) => revoke.change(ctx, input));
    return 'revoked';
  }
  const expiresAt = iso(Math.min(endsMs, row.expiresAtMs ?? endsMs));
  const input = { params, query: { strict: false }, body: { expiresAt } };
  await recordChange(tx, { action: update.id, targetKind: 'key' }, (ctx) => update.change(ctx, input));
  return `accepted until ${expiresAt}`;
}

function ending({ nowMs }: CallContext, overlap: string): string {
  const ms = durationMs(overlap);
  return ms === 0 ? 'ended' : `accepted until ${iso(nowMs + ms)}`;
}
