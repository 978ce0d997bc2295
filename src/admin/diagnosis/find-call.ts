import type { CallRecord } from '../../calls/call-record.ts';
import { AppError } from '../../errors.ts';
import type { CallContext } from '../contract.ts';
import { allows } from '../rbac.ts';
import type { KeyRow } from '../stores.ts';

/** A record, and the key that it names where that one is of this workspace. */
export interface FoundCall {
  readonly record: CallRecord;
  readonly row: KeyRow | null;
}

/**
 * The record of a call. Calls that proved no key belong to no workspace: they are shown to operators,
 * and to a workspace where they name one of its keys. All others are answered as if there were none.
 */
export async function requireCall(ctx: CallContext, requestId: string): Promise<FoundCall> {
  const found = (await ofWorkspace(ctx, requestId)) ?? (await unidentified(ctx, requestId));
  if (found !== null) return found;
  throw new AppError('not_found', {
    message: `There is no record of the call ${requestId}. Records are written a moment after the call ends.`,
  });
}

async function ofWorkspace(ctx: CallContext, requestId: string): Promise<FoundCall | null> {
  const record = await first(ctx, ctx.workspace.workspaceId, requestId);
  return record && { record, row: record.kid === null ? null : await ctx.workspace.keys.get(record.kid) };
}

async function unidentified(ctx: CallContext, requestId: string): Promise<FoundCall | null> {
  const record = await first(ctx, null, requestId);
  if (record === null) return null;
  const kid = record.kid ?? record.keyFingerprint?.slice(-12) ?? null;
  const row = kid === null ? null : await ctx.workspace.keys.get(kid);
  return row !== null || allows(ctx.principal, 'calls:read-unidentified') ? { record, row } : null;
}

async function first(ctx: CallContext, workspaceId: string | null, requestId: string): Promise<CallRecord | null> {
  const page = await ctx.deps.calls.list(workspaceId, { cursor: null, limit: 1 }, { requestId });
  return page.items[0] ?? null;
}
