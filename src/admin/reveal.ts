import { fingerprintOf, generateKey, parseKey } from '../keys/format.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from './contract.ts';
import type { RevealRow } from './key-life-stores.ts';
import { newId } from './new-id.ts';
import type { AdminDeps } from './ports.ts';
import { resolveAlert } from './raise-alert.ts';
import type { KeyRow, WorkspaceStore } from './stores.ts';

/** The link that a person opens. What is behind `#` stays in the browser: no server or proxy logs it. */
export function revealUrl(deps: AdminDeps, token: string): string {
  return `${deps.adminUrl()}/reveal#${token}`;
}

export interface NewReveal {
  readonly key: KeyRow;
  readonly secretText: string;
  readonly expiresAtMs: number;
}

/** Seals a new secret for one reader, in place of any that waits for the same key; the token that opens it. */
export async function issueReveal(ctx: CallContext, { key, secretText, expiresAtMs }: NewReveal): Promise<string> {
  const token = generateKey({ type: 'kwr', environment: key.environment });
  await ctx.workspace.reveals.eraseOf(key.kid);
  await ctx.workspace.reveals.insert(
    {
      id: token.kid,
      kid: key.kid,
      ...ctx.deps.hasher.hash(token.secret),
      expiresAtMs,
      createdAtMs: ctx.nowMs,
      createdBy: ctx.principal.actor,
    },
    secretText,
  );
  return token.text;
}

/** A new link to the secret that waits for a key; the one before is dead. Null when none waits. */
export async function renewReveal(ctx: CallContext, key: KeyRow): Promise<string | null> {
  const waiting = await ctx.workspace.reveals.waiting(key.kid);
  if (waiting === null || waiting.expiresAtMs <= ctx.nowMs) return null;
  const secretText = await ctx.workspace.reveals.take(waiting.id, null);
  if (secretText === null) return null;
  return issueReveal(ctx, { key, secretText, expiresAtMs: waiting.expiresAtMs });
}

/** Attempts on one link that are written down. */
const REFUSALS_AUDITED_MAX = 20;

export interface Opened {
  readonly kid: string;
  readonly fingerprint: string;
  readonly name: string;
  /** The key in clear: nowhere else from now on. */
  readonly key: string;
}

interface Caller {
  readonly requestId: string;
  readonly clientAddress: string;
}

/**
 * Opens a reveal link, once. Unknown, used and expired links get one and the same refusal; which it
 * was stands in the audit log of the workspace whose link it is.
 */
export async function openReveal(deps: AdminDeps, text: string, caller: Caller): Promise<Opened> {
  const token = parseKey(text, ['kwr']);
  const workspaceId = token.ok ? await deps.store.findReveal(token.kid) : null;
  if (!token.ok || workspaceId === null) {
    deps.hasher.matchDummy(token.ok ? token.secret : '');
    deps.log.info({ requestId: caller.requestId }, 'an unknown reveal link was tried');
    throw notThere();
  }
  const nowMs = deps.clock.now();
  // Not thrown inside the transaction: the entry that tells of the refusal has to stay.
  const opened = await deps.store.workspace(workspaceId).transaction(async (tx) => {
    const row = await tx.reveals.get(token.kid);
    if (row === null) return null;
    const refused = refusalOf(row, deps.hasher.matches(token.secret, row), nowMs);
    await audit(tx, { row, caller, nowMs, refused });
    return refused === null ? take(tx, row, nowMs) : null;
  });
  if (opened === null) throw notThere();
  return opened;
}

async function take(tx: WorkspaceStore, row: RevealRow, nowMs: number): Promise<Opened | null> {
  const text = await tx.reveals.take(row.id, nowMs);
  const key = await tx.keys.get(row.kid);
  if (text === null || key === null) return null;
  await resolveAlert(tx, { kind: 'secret_waiting', subjectId: key.kid }, nowMs);
  return { kid: key.kid, fingerprint: fingerprintOf(key), name: key.name, key: text };
}

function refusalOf(row: RevealRow, matches: boolean, nowMs: number): string | null {
  if (!matches) return 'the link is not the one that was issued';
  if (row.openedAtMs !== null) return 'the link was opened before';
  if (!row.sealed) return 'the link was replaced or has expired';
  return row.expiresAtMs <= nowMs ? 'the link has expired' : null;
}

interface Attempt {
  readonly row: RevealRow;
  readonly caller: Caller;
  readonly nowMs: number;
  readonly refused: string | null;
}

/** Whoever holds a link needs no admin token: how often one may write to the log is bounded. */
async function audit(tx: WorkspaceStore, { row, caller, nowMs, refused }: Attempt): Promise<void> {
  const actor = `reveal-link:${row.id}`;
  const action = refused === null ? 'keys.reveal' : 'keys.reveal-refused';
  const before = await tx.audit.list(
    { cursor: null, limit: REFUSALS_AUDITED_MAX },
    { action, actor, targetId: row.kid },
  );
  if (before.items.length === REFUSALS_AUDITED_MAX) return;
  await tx.audit.append({
    id: newId('aud', nowMs),
    atMs: nowMs,
    actor,
    action,
    targetKind: 'key',
    targetId: row.kid,
    reason: refused,
    before: null,
    after: null,
    ...caller,
  });
}

function notThere(): AppError {
  return new AppError('not_found', {
    message: 'This link does not exist, was opened before, or has expired. Ask whoever sent it for a new one.',
  });
}
