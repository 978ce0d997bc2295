import { setImmediate } from 'node:timers/promises';
import type { CallContext } from './contract.ts';
import { newId } from './new-id.ts';
import type { FleetPort, Receipt } from './ports.ts';

/** What has to reach the workers after the commit. */
export type Propagation =
  /** With `kids`: keys that the workers must forget besides. */
  | { readonly kind: 'snapshot'; readonly kids?: readonly string[] }
  /** Without `wait` the answer does not wait for the workers. */
  | { readonly kind: 'key'; readonly kid: string; readonly wait: boolean }
  | { readonly kind: 'keys'; readonly kids: readonly string[]; readonly wait: boolean }
  /** The workers do not know of it. */
  | { readonly kind: 'none' };

/** What a changing handler did, for the audit log, for the workers and for the caller. */
export interface Change<Out> {
  readonly targetId: string;
  /** Public views of the target, never with a secret; null where there was or is none. */
  readonly before: unknown;
  readonly after: unknown;
  /** Where several things are changed at once: an audit entry for each of them, in place of the one above. */
  readonly targets?: readonly ChangedTarget[];
  readonly reason?: string | null;
  /** In place of the audited action, where only the work shows which it is. */
  readonly action?: string;
  readonly propagate: Propagation;
  /** Called after the commit, with the workers' receipt; null when nobody waited or it failed. */
  readonly answer: (receipt: Receipt | null) => Out;
}

/** There was nothing to do: no audit entry, nothing to tell. */
export const NOTHING_CHANGED: Change<null> = {
  targetId: '',
  before: null,
  after: null,
  targets: [],
  propagate: { kind: 'none' },
  answer: () => null,
};

export interface ChangedTarget {
  readonly targetId: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface Audited {
  readonly action: string;
  readonly targetKind: string;
}

/** Audit entries written between two looks at what else there is to do. */
const ENTRIES_IN_A_ROW = 500;

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
  for (const [index, { targetId, before, after }] of (made.targets ?? [made]).entries()) {
    // Long work gives way to other calls.
    if (index % ENTRIES_IN_A_ROW === ENTRIES_IN_A_ROW - 1) await setImmediate();
    await tx.workspace.audit.append({
      id: newId('aud', tx.nowMs),
      atMs: tx.nowMs,
      actor: tx.principal.actor,
      ...audited,
      ...(made.action === undefined ? {} : { action: made.action }),
      ...{ targetId, before, after },
      reason: made.reason ?? null,
      requestId: tx.requestId,
      clientAddress: tx.clientAddress,
    });
  }
  return made;
}

/** What a change would answer: it runs in a transaction that is taken back, and nobody is told. */
export async function previewChange<Out>(
  ctx: CallContext,
  work: (tx: CallContext) => Promise<Change<Out>>,
): Promise<Out> {
  const { store } = ctx.deps;
  const change = await store.rehearse(ctx.workspace.workspaceId, (workspace) => work({ ...ctx, workspace }));
  return change.answer(null);
}

async function propagate(ctx: CallContext, propagation: Propagation): Promise<Receipt | null> {
  if (propagation.kind === 'none') return null;
  const receipt = tell(ctx.deps.fleet, propagation).catch((error: unknown) => {
    ctx.deps.log.error({ err: error, requestId: ctx.requestId }, 'a committed change did not reach the workers');
    return null;
  });
  return propagation.kind === 'snapshot' || propagation.wait ? await receipt : null;
}

function tell(fleet: FleetPort, propagation: Exclude<Propagation, { readonly kind: 'none' }>): Promise<Receipt> {
  switch (propagation.kind) {
    case 'snapshot':
      return publish(fleet, propagation.kids ?? []);
    case 'key':
      return fleet.invalidateKey(propagation.kid);
    case 'keys':
      return fleet.invalidateKeys(propagation.kids);
  }
}

/** The snapshot first: a key must not be read anew before what it stands on is known. */
async function publish(fleet: FleetPort, kids: readonly string[]): Promise<Receipt> {
  const published = await fleet.publish();
  if (kids.length === 0) return published;
  const forgotten = await fleet.invalidateKeys(kids);
  return published.complete ? forgotten : published;
}
