import { mergeActivity } from '../calls/key-activity.ts';
import type { KeyActivity } from '../calls/key-activity.ts';
import type { CallContext } from './contract.ts';

/** What is known of the use of a key: stored, and on its way there. */
export async function activityOf(ctx: CallContext, kid: string): Promise<KeyActivity | null> {
  const stored = await ctx.workspace.activity.get(kid);
  const pending = ctx.deps.activity.pending(ctx.workspace.workspaceId, kid);
  return stored !== null && pending !== null ? mergeActivity(stored, pending) : (stored ?? pending);
}
