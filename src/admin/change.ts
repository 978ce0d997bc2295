import type { CallContext } from './contract.ts';
import { newId } from './new-id.ts';
import type { Receipt } from './ports.ts';

/** What has to reach the workers after the commit. */
export type Propagation =
  | { readonly kind: 'snapshot' }
  /** No worker has to know. */
  | { readonly kind: 'none' }
  | { readonly kind: 'keys'; readonly kids: readonly string[]; readonly wait: boolean }
  /** Without `wait` the answer does not wait for the workers. */
  | { readonly kind: 'key'; readonly kid: string; readonly wait: boolean };

/** What a changing handler did, for the audit log, for the workers and for the caller. */
export interface Change<Out> {
  readonly targetId: string;
  /** Public views of the target, never with a secret; null where there was or is none. */
  readonly before: unknown;
  readonly after: unknown;
  readonly reason?: string | null;
  readonly propagate: Propagation;
  /** Called after the commit, with the workers' receipt; null when nobody waited or it failed. */
  readonly answer: (receipt: Receipt | null) => Out;
}

export interface Audited {
  readonly action: string;
  readonly targetKind: string;
}

/**
 * Runs a change and its audit entry in one transaction, then tells the workers. Once committed, the
 * change counts as made: trouble on the way to the workers is logged and shows in the receipt.
 */
export async function commitChange<Out>(
  ctx: CallContext,
  audited: Audited,
  work: (tx: CallContext) => Promise<Change<Out>>,
): Promise<{ readonly change: Change<Out>; readonly receipt: Receipt | null }> {
  const change = await ctx.workspace.transaction((workspace) => recordChange({ ...ctx, workspace }, audited, work));
  return { change, receipt: await propagate(ctx, change.propagate) };
}

/** The part of it inside of a transaction: for a change that is made of several. */
export async function recordChange<Out>(
  tx: CallContext,
  audited: Audited,
  work: (tx: CallContext) => Promise<Change<Out>>,
): Promise<Change<Out>> {
  const made = await work(tx);
  await tx.workspace.audit.append({
    id: newId('aud', tx.nowMs),
    atMs: tx.nowMs,
    actor: tx.principal.actor,
    ...audited,
    targetId: made.targetId,
    reason: made.reason ?? null,
    before: made.before,
    after: made.after,
    requestId: tx.requestId,
    clientAddress: tx.clientAddress,
  });
  return made;
}

async function propagate(ctx: CallContext, propagation: Propagation): Promise<Receipt | null> {
  const receipt = tellWorkers(ctx, propagation).catch((error: unknown) => {
    ctx.deps.log.error({ err: error, requestId: ctx.requestId }, 'a committed change did not reach the workers');
    return null;
  });
  return 'wait' in propagation && !propagation.wait ? null : await receipt;
}

async function tellWorkers({ deps: { fleet } }: CallContext, propagation: Propagation): Promise<Receipt | null> {
  switch (propagation.kind) {
    case 'none':
      return null;
    case 'snapshot':
      return fleet.publish();
    case 'key':
      return fleet.invalidateKey(propagation.kid);
    case 'keys': {
      const receipts = await Promise.all(propagation.kids.map((kid) => fleet.invalidateKey(kid)));
      // What is in force of the whole is what is of each.
      return receipts.find(({ complete }) => !complete) ?? receipts.at(-1) ?? null;
    }
  }
}
