import type { OutboxRow } from './key-life-stores.ts';
import { raiseAlert } from './raise-alert.ts';
import type { WorkspaceStore } from './stores.ts';

/** An event was given up. Where it carried a new secret, nobody has that now. */
export async function tellUndelivered(tx: WorkspaceStore, row: OutboxRow, nowMs: number): Promise<void> {
  const kid = carriedSecretOf(row);
  if (kid !== null) await tellLost(tx, kid, 'could not be delivered', nowMs);
}

/** A new secret was never fetched, and is erased. */
export async function tellUnfetched(tx: WorkspaceStore, kid: string, nowMs: number): Promise<void> {
  await tellLost(tx, kid, 'was never fetched', nowMs);
}

async function tellLost(tx: WorkspaceStore, kid: string, why: string, nowMs: number): Promise<void> {
  const key = await tx.keys.get(kid);
  if (key === null || (key.state !== 'active' && key.state !== 'suspended')) return;
  const message = `The new secret of the key "${key.name}" (${kid}) ${why}, and is lost. Rotate it again: keys rotate ${kid}.`;
  const condition = { kind: 'secret_lost', severity: 'critical', subjectKind: 'key', subjectId: kid } as const;
  await raiseAlert(tx, { ...condition, message }, nowMs);
}

/** The key whose sealed secret an event carries; null for an event without. */
function carriedSecretOf(row: OutboxRow): string | null {
  const event: unknown = JSON.parse(row.body);
  const carries = typeof event === 'object' && event !== null && 'sealedSecret' in event && 'key' in event;
  const key = carries ? event.key : null;
  if (typeof key !== 'object' || key === null || !('kid' in key) || typeof key.kid !== 'string') return null;
  return key.kid;
}
