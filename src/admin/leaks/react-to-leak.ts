/** What a report of a leak leads to: the rules, an alert where none acts, or a notice. */
import type { KeyRecord } from '../../keys/key-record.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert } from '../raise-alert.ts';
import { createTriggerSink } from '../responses/raise-trigger.ts';

/** What somebody found. The token is looked at here, and goes nowhere else. */
export interface ReportedToken {
  readonly token: string;
  /** Where it was found; empty where that was not told. */
  readonly url: string;
  readonly source: string;
}

/** A key that others have: the rules for leaks act on it. `evidence` completes "of the key …". */
export async function reactToLeak(deps: AdminDeps, { workspaceId, kid }: KeyRecord, evidence: string): Promise<void> {
  const subject = { kind: 'key', kid } as const;
  const responses = await createTriggerSink(deps).raiseTrigger({ kind: 'leak', workspaceId, subject, evidence });
  if (responses.length > 0) return;
  const workspace = deps.store.workspace(workspaceId);
  const key = await workspace.keys.get(kid);
  if (key?.state !== 'active') return;
  // No rule did anything, or it did so before: a key that others have is never passed over.
  const message = `Of the key "${key.name}" (${kid}) ${evidence}, and it is still active. Revoke it: keys revoke ${kid} --compromised.`;
  await workspace.transaction((tx) =>
    raiseAlert(
      tx,
      { kind: 'leak_reported', severity: 'critical', subjectKind: 'key', subjectId: kid, message },
      deps.clock.now(),
    ),
  );
}

/** Nothing that could be used was found, or nothing was proven. */
export async function noticeLeak(deps: AdminDeps, { workspaceId, kid }: KeyRecord, what: string): Promise<void> {
  const message = `Of the key ${kid} ${what}. Nothing was done.`;
  await deps.store
    .workspace(workspaceId)
    .transaction((tx) =>
      raiseAlert(
        tx,
        { kind: 'leak_reported', severity: 'info', subjectKind: 'key', subjectId: kid, message },
        deps.clock.now(),
      ),
    );
}

const PLACE_LENGTH_MAX = 300;

/** Where it was found, for people: without query and fragment, and without what might be the key itself. */
export function describePlace({ url, source }: ReportedToken, reporter: string): string {
  const by = `by ${reporter}${source === '' ? '' : ` (${printable(source)})`}`;
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return by;
  return `${by} at ${printable(`${parsed.origin}${parsed.pathname}`)}`;
}

function printable(text: string): string {
  return text
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll(/kw[a-z]_[0-9A-Za-z_.-]+/g, 'kw…')
    .slice(0, PLACE_LENGTH_MAX);
}
