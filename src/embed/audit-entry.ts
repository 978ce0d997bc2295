import { newId } from '../admin/new-id.ts';
import type { AuditRow } from '../admin/stores.ts';
import type { Clock } from '../lib/clock.ts';

export type AuditEntry = AuditRow;

/** What a change is written down with. */
export type Audit = (
  action: string,
  targetKind: string,
  targetId: string,
  values?: { readonly before?: unknown; readonly after?: unknown; readonly reason?: string | null },
) => AuditEntry;

/** Entries in the name of one actor: the program that embeds the engine. */
export function auditor(clock: Clock, actor: string): Audit {
  return (action, targetKind, targetId, { before = null, after = null, reason = null } = {}) => {
    const atMs = clock.now();
    const id = newId('aud', atMs);
    return { id, atMs, actor, action, targetKind, targetId, reason, before, after, requestId: '', clientAddress: '' };
  };
}
