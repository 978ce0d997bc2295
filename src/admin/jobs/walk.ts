/** What jobs have in common: they act as the system, workspace by workspace, key by key. */
import { setImmediate } from 'node:timers/promises';
import type { CallContext } from '../contract.ts';
import type { KeyScan } from '../key-life-stores.ts';
import { newId } from '../new-id.ts';
import type { AdminDeps } from '../ports.ts';
import { endAlert } from '../raise-alert.ts';
import type { AlertKind } from '../raise-alert.ts';
import type { KeyRow, WorkspaceStore } from '../stores.ts';

const PAGE_KEYS = 200;
const PAGE_ALERTS = 200;

/** Calls `work` for every workspace, as the system itself; `actor` stands in the audit log. */
export async function forEachWorkspace(
  deps: AdminDeps,
  actor: `system:${string}`,
  signal: AbortSignal,
  work: (ctx: CallContext) => Promise<void>,
): Promise<void> {
  const nowMs = deps.clock.now();
  const requestId = newId('job', nowMs);
  for (const { id } of await deps.store.workspaces.list()) {
    signal.throwIfAborted();
    await work({
      workspace: deps.store.workspace(id),
      principal: { actor, permissions: new Set() },
      ...{ deps, nowMs, requestId, clientAddress: '' },
    });
  }
}

/** Whether something holds for any workspace: jobs that have nothing to do write nothing. */
export async function inAnyWorkspace(
  deps: AdminDeps,
  holds: (workspace: WorkspaceStore, nowMs: number) => Promise<boolean>,
): Promise<boolean> {
  for (const { id } of await deps.store.workspaces.list()) {
    if (await holds(deps.store.workspace(id), deps.clock.now())) return true;
  }
  return false;
}

/** Whether an alert of any of these kinds waits for its end, last seen before. */
export async function anyUnresolved(
  workspace: WorkspaceStore,
  kinds: readonly AlertKind[],
  beforeMs: number,
): Promise<boolean> {
  for (const kind of kinds) if ((await workspace.alerts.unseen(kind, beforeMs, 1)).length > 0) return true;
  return false;
}

/** Calls `work` for every key that a scan finds. One that fails does not stop the others: all are tried, then it rejects. */
export async function forEachKey(
  ctx: CallContext,
  scan: KeyScan,
  signal: AbortSignal,
  work: (key: KeyRow) => Promise<void>,
): Promise<void> {
  let after = '';
  let failures = 0;
  for (;;) {
    const keys = await ctx.workspace.scans.keys(scan, after, PAGE_KEYS);
    for (const key of keys) {
      signal.throwIfAborted();
      await work(key).catch((error: unknown) => {
        failures += 1;
        ctx.deps.log.error({ err: error, kid: key.kid, requestId: ctx.requestId }, 'a job failed for a key');
      });
    }
    after = keys.at(-1)?.kid ?? after;
    if (keys.length < PAGE_KEYS) break;
    // The store works synchronously: others get their turn between pages.
    await setImmediate();
  }
  if (failures > 0) throw new Error(`it failed for ${failures} keys`);
}

/** Resolves alerts whose condition was not seen in this run, or since `beforeMs`. To be called after all keys were looked at. */
export async function resolveUnseen(
  ctx: CallContext,
  kind: AlertKind,
  signal: AbortSignal,
  beforeMs = ctx.nowMs,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const gone = await ctx.workspace.alerts.unseen(kind, beforeMs, PAGE_ALERTS);
    for (const alert of gone) await ctx.workspace.transaction((tx) => endAlert(tx, alert, ctx.nowMs));
    if (gone.length < PAGE_ALERTS) return;
  }
}
