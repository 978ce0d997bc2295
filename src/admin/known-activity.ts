import { mergeActivity } from '../calls/key-activity.ts';
import type { KeyActivity } from '../calls/key-activity.ts';
import type { CallContext } from './contract.ts';
import type { KeyRow } from './stores.ts';

/** What is known of the use of a key: stored, and on its way there. */
export async function activityOf(ctx: CallContext, kid: string): Promise<KeyActivity | null> {
  const stored = await ctx.workspace.activity.get(kid);
  const pending = ctx.deps.activity.pending(ctx.workspace.workspaceId, kid);
  return stored !== null && pending !== null ? mergeActivity(stored, pending) : (stored ?? pending);
}

/** A key that a person suspended, or that has expired, is not called on purpose. */
export function isWatched(key: KeyRow, nowMs: number): boolean {
  if (key.expiresAtMs !== null && key.expiresAtMs <= nowMs) return false;
  return key.state === 'active' || key.suspension?.automatic === true;
}

/** When a key was used last. Before calls of it were known, it may have been. */
export function lastSignMs(ctx: CallContext, key: KeyRow): number {
  const pending = ctx.deps.activity.pending(ctx.workspace.workspaceId, key.kid);
  return Math.max(key.watchedSinceMs ?? key.createdAtMs, key.lastUsedAtMs ?? 0, pending?.lastUsedAtMs ?? 0);
}
