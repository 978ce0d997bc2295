/** Looks whether the step of a rotation that runs is over: reads, and changes nothing. */
import type { CallContext } from '../contract.ts';
import { ask, findProbe } from '../credential-probe.ts';
import type { ProbeAnswer } from '../credential-probe.ts';
import type { CredentialRotationRow, RotationStep } from '../credential-stores.ts';

/** What a look at a step came to. */
export type Look =
  | {
      readonly kind: 'end';
      readonly state: 'done' | 'skipped';
      readonly reason: string | null;
      readonly canary?: CanaryCounts;
    }
  | {
      readonly kind: 'wait';
      readonly reason: string | null;
      readonly dueAtMs: number;
      readonly canary?: CanaryCounts;
    }
  | { readonly kind: 'roll-back'; readonly reason: string }
  /** The old credential was deleted by somebody: there is nothing left to rotate. */
  | { readonly kind: 'gone' };

type CanaryCounts = Pick<CredentialRotationRow, 'canaryPassed' | 'canarySeen'>;

const SOON_MS = 2_000;
const PROBE_AGAIN_MS = 30_000;
/** A new credential that cannot be tried for so long is given up; the old one is in use all the time. */
const PROBE_MS_MAX = 24 * 3_600_000;
const REJECTED = 'the provider rejected a call with the new credential';
const WORDS_AFTER_MS = 500;
/** A call that has just chosen its credential is not counted yet. */
const DRAIN_MS_MIN = 2_000;

export async function lookAt(ctx: CallContext, row: CredentialRotationRow, step: RotationStep): Promise<Look> {
  const old = await ctx.workspace.credentials.get(row.credentialId);
  const fresh = await ctx.workspace.credentials.get(row.newCredentialId);
  if (fresh === null) return { kind: 'roll-back', reason: 'the new credential was deleted' };
  if (old === null) return step.name === 'delete' ? done(null) : { kind: 'gone' };
  switch (step.name) {
    case 'probe':
      return probe(ctx, row, step);
    case 'canary':
      return rejection(ctx, row, step) ?? (await canary(ctx, row, step));
    case 'shift':
      return rejection(ctx, row, step) ?? done(null);
    case 'drain':
      return rejection(ctx, row, step) ?? (await drain(ctx, row, step));
    case 'store':
    case 'disable':
      return done(null);
    case 'delete':
      return deletion(ctx, row, step);
  }
}

function done(reason: string | null): Look {
  return { kind: 'end', state: 'done', reason };
}

async function probe(ctx: CallContext, row: CredentialRotationRow, step: RotationStep): Promise<Look> {
  const found = await findProbe(ctx, row.newCredentialId);
  if (found.kind === 'nothing-free') {
    return { kind: 'end', state: 'skipped', reason: 'the provider has nothing that could be asked for free' };
  }
  if (found.kind !== 'probe') return probeLater(ctx, step, `the provider ${row.providerId} is not switched on`);
  const answer = await ask(ctx, found.probe);
  if (answer.accepted) return done('the provider let it in');
  switch (answer.kind) {
    case 'rejected_credential':
      return { kind: 'roll-back', reason: `the provider rejected the new credential: ${wordsOf(answer)}` };
    case 'rate_limited':
      return done(`the provider knows it: ${wordsOf(answer)}`);
    case 'quota_exhausted':
    case 'overloaded':
    case 'unavailable':
    case 'timeout':
      return probeLater(ctx, step, wordsOf(answer));
    default:
      // It may be that it may not list models: the canary is to show.
      return { kind: 'end', state: 'skipped', reason: `the provider does not say: ${wordsOf(answer)}` };
  }
}

function probeLater({ nowMs }: CallContext, step: RotationStep, reason: string): Look {
  const sinceMs = nowMs - (step.startedAtMs ?? nowMs);
  if (sinceMs >= PROBE_MS_MAX) return { kind: 'roll-back', reason: `it could not be tried for a day: ${reason}` };
  return { kind: 'wait', reason: `is tried again: ${reason}`, dueAtMs: nowMs + PROBE_AGAIN_MS };
}

function wordsOf({ status, message, kind }: ProbeAnswer): string {
  return [status, message ?? kind].filter((part) => part !== null).join(' ');
}

/** What the workers found out about the new one since it is in use. */
function rejection(ctx: CallContext, row: CredentialRotationRow, step: RotationStep): Look | null {
  const error = lastErrorOf(ctx, row);
  const isRejected = memberOf(ctx, row)?.kind === 'rejected_credential' || error?.kind === 'rejected_credential';
  if (!isRejected) return null;
  // The workers tell what the provider said a moment later.
  if (error === null && step.reason !== REJECTED) {
    return { kind: 'wait', reason: REJECTED, dueAtMs: ctx.nowMs + WORDS_AFTER_MS };
  }
  const words = error?.kind === 'rejected_credential' ? `: ${error.status} ${error.message ?? ''}`.trimEnd() : '';
  return { kind: 'roll-back', reason: REJECTED + words };
}

function lastErrorOf({ deps, workspace }: CallContext, { newCredentialId }: CredentialRotationRow) {
  return deps.providerPools.lastError(workspace.workspaceId, newCredentialId);
}

function wasProbed({ steps }: CredentialRotationRow): boolean {
  return steps.some(({ name, state }) => name === 'probe' && state === 'done');
}

function memberOf({ deps, workspace, nowMs }: CallContext, { newCredentialId }: CredentialRotationRow) {
  const pools = deps.providerPools.read(workspace.workspaceId, nowMs);
  return pools.flatMap(({ members }) => members).find(({ id }) => id === newCredentialId);
}

async function canary(ctx: CallContext, row: CredentialRotationRow, step: RotationStep): Promise<Look> {
  const { canaryCalls, canaryMs } = row.plan;
  const counted = await countCanary(ctx, row);
  const { canaryPassed } = counted;
  const isOver = ctx.nowMs >= (step.startedAtMs ?? ctx.nowMs) + canaryMs;
  const isKnown = canaryPassed > 0 || (wasProbed(row) && lastErrorOf(ctx, row) === null);
  const member = memberOf(ctx, row);
  const progress = `${canaryPassed} of ${canaryCalls} calls have passed with it`;
  if (member?.state === 'healthy' && (canaryPassed >= canaryCalls || (isOver && isKnown))) {
    return { kind: 'end', state: 'done', reason: progress, canary: counted };
  }
  const why =
    member === undefined
      ? '; it is not in force'
      : member.state !== 'healthy'
        ? `; it is ${member.state}`
        : isOver
          ? '; nothing shows yet that the provider lets it in'
          : '';
  return { kind: 'wait', reason: progress + why, dueAtMs: ctx.nowMs + SOON_MS, canary: counted };
}

/** Workers count from their own start: what they said before is added to what they say now. */
async function countCanary(
  ctx: CallContext,
  { newCredentialId, canaryPassed, canarySeen }: CredentialRotationRow,
): Promise<CanaryCounts> {
  const counts = await ctx.deps.providerPools.counts(ctx.workspace.workspaceId, newCredentialId);
  if (counts === null) return { canaryPassed, canarySeen };
  return { canaryPassed: canaryPassed + Math.max(0, counts.passed - canarySeen), canarySeen: counts.passed };
}

async function drain(ctx: CallContext, row: CredentialRotationRow, step: RotationStep): Promise<Look> {
  const sinceMs = ctx.nowMs - (step.startedAtMs ?? ctx.nowMs);
  const counts = await ctx.deps.providerPools.counts(ctx.workspace.workspaceId, row.credentialId);
  if (counts?.underWay === 0 && sinceMs >= DRAIN_MS_MIN) return done('no call is under way with the old one');
  const left = counts === null ? 'it is not known how many calls are' : `${counts.underWay} calls are`;
  if (sinceMs >= row.plan.drainMs) return done(`its time is over; ${left} under way with the old one`);
  return { kind: 'wait', reason: `${left} under way with the old one`, dueAtMs: ctx.nowMs + SOON_MS };
}

function deletion({ nowMs }: CallContext, { plan }: CredentialRotationRow, step: RotationStep): Look {
  const atMs = (step.startedAtMs ?? nowMs) + plan.deleteAfterMs;
  if (nowMs >= atMs) return done(null);
  return { kind: 'wait', reason: 'the old one is kept until then, disabled', dueAtMs: atMs };
}
