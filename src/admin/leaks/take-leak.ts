import type { KeyRecord } from '../../keys/key-record.ts';
import { fingerprintOf, parseKey } from '../../keys/format.ts';
import type { ParsedKey } from '../../keys/format.ts';
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

/** `true_positive`: the whole text of a key of ours. The rest is told alike, whatever it is. */
export type LeakLabel = 'true_positive' | 'false_positive';

/**
 * Looks whether a token is a key, whole and true: only that is a leak that rules react to. The public
 * part alone, or with a wrong secret, proves nothing and is a notice; anything else is nothing.
 */
export async function takeLeak(deps: AdminDeps, reported: ReportedToken, reporter: string): Promise<LeakLabel> {
  const parsed = parseKey(reported.token, ['kwk', 'kwt']);
  const kid = parsed.ok ? parsed.kid : (parsed.fingerprint?.slice(-KID_LENGTH) ?? null);
  const record = kid === null ? null : await deps.store.findKey(kid);
  const proven = proves(deps, record, parsed.ok ? parsed : null);
  if (record === null) return 'false_positive';
  const where = describePlace(reported, reporter);
  if (proven === null) {
    await notice(deps, record, `what looks like it was found ${where}, but the secret is not the key's`);
    return 'false_positive';
  }
  const isOver = proven.notAfterMs !== null && proven.notAfterMs <= deps.clock.now();
  if (isOver) await notice(deps, record, `an old secret of it, which is not accepted any more, was found ${where}`);
  else await react(deps, record, `the whole key was found ${where}`);
  return 'true_positive';
}

const KID_LENGTH = 12;

/** The secret that was proven; as much work for a key that is not there. */
function proves({ hasher }: AdminDeps, record: KeyRecord | null, parsed: ParsedKey | null) {
  if (parsed === null) return null;
  if (record === null) {
    hasher.matchDummy(parsed.secret);
    return null;
  }
  const matching = record.secrets.filter((secret) => hasher.matches(parsed.secret, secret));
  return fingerprintOf(record) === fingerprintOf(parsed) ? (matching[0] ?? null) : null;
}

async function react(deps: AdminDeps, { workspaceId, kid }: KeyRecord, evidence: string): Promise<void> {
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

async function notice(deps: AdminDeps, { workspaceId, kid }: KeyRecord, what: string): Promise<void> {
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

/** Without query and fragment, and without what might be the key itself. */
function describePlace({ url, source }: ReportedToken, reporter: string): string {
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
