import { lastUseOf } from '../../calls/key-activity.ts';
import { endUnused, isRetiring } from '../../keys/rotate.ts';
import type { Job } from '../../watch/jobs/scheduler.ts';
import { commitChange } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { emitEvent } from '../events.ts';
import { activityOf } from '../known-activity.ts';
import type { AdminDeps } from '../ports.ts';
import { viewKey } from '../resources/key-view.ts';
import { describeSecrets, storeSecrets } from '../rotate-key.ts';
import type { KeyRow } from '../stores.ts';
import { forEachKey, forEachWorkspace } from './walk.ts';

/** Ends old secrets that were to be held while they are used, once nobody uses them. */
export function endUnusedJob(deps: AdminDeps): Job {
  return {
    name: 'end-unused-secrets',
    everyMs: 30_000,
    isWanted: async () => {
      for (const { id } of await deps.store.workspaces.list()) {
        if ((await deps.store.workspace(id).scans.keys({ kind: 'ending-early' }, '', 1)).length > 0) return true;
      }
      return false;
    },
    run: (signal) =>
      forEachWorkspace(deps, 'system:rotation', signal, (ctx) =>
        forEachKey(ctx, { kind: 'ending-early' }, signal, (key) => endIfUnused(ctx, key)),
      ),
  };
}

async function endIfUnused(ctx: CallContext, key: KeyRow): Promise<void> {
  const activity = await activityOf(ctx, key.kid);
  const secrets = endUnused(key.secrets, (generation) => lastUseOf(activity, generation), ctx.nowMs);
  if (secrets === null) return;
  await commitChange(ctx, { action: 'keys.complete-rotation', targetKind: 'key' }, async (tx) => {
    const after = await storeSecrets(tx, key, secrets);
    const isOver = !secrets.some((secret) => isRetiring(secret, ctx.nowMs));
    const why = key.secrets.some((secret) => isRetiring(secret, ctx.nowMs)) ? 'unused' : 'latest end';
    const data = { ...describeSecrets(after), why };
    if (isOver) await emitEvent(tx.workspace, { type: 'key.rotation_completed', key: after, data }, ctx.nowMs);
    return {
      targetId: key.kid,
      before: viewKey(key, ctx.nowMs),
      after: viewKey(after, ctx.nowMs),
      reason: why === 'unused' ? 'nobody used the old secret any more' : 'the old secret came to its latest end',
      propagate: { kind: 'key', kid: key.kid, wait: true },
      answer: () => null,
    };
  });
}
