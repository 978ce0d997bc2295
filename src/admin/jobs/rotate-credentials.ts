import type { Job } from '../../watch/jobs/scheduler.ts';
import type { CallContext } from '../contract.ts';
import { advanceRotation } from '../credential-rotation/advance.ts';
import type { AdminDeps } from '../ports.ts';
import { forEachWorkspace, inAnyWorkspace } from './walk.ts';

const PAGE = 100;

/** Takes the rotations of credentials on whose time has come. */
export function rotateCredentialsJob(deps: AdminDeps): Job {
  return {
    name: 'rotate-credentials',
    everyMs: 1_000,
    isWanted: () =>
      inAnyWorkspace(deps, async (workspace, nowMs) => (await workspace.credentialRotations.due(nowMs, 1)).length > 0),
    run: (signal) => forEachWorkspace(deps, 'system:credential-rotation', signal, (ctx) => advanceDue(ctx, signal)),
  };
}

/** One that fails does not stop the others: all are tried, then it rejects. */
async function advanceDue(ctx: CallContext, signal: AbortSignal): Promise<void> {
  let failures = 0;
  for (const { id } of await ctx.workspace.credentialRotations.due(ctx.nowMs, PAGE)) {
    signal.throwIfAborted();
    await advanceRotation(ctx, id).catch((error: unknown) => {
      failures += 1;
      ctx.deps.log.error({ err: error, rotationId: id, requestId: ctx.requestId }, 'a credential was not rotated');
    });
  }
  if (failures > 0) throw new Error(`it failed for ${failures} rotations`);
}
