/**
 * Where detectors tell what they saw, and rules react to it. A detector needs nothing but a
 * {@link TriggerSink}: those that watch behaviour and places add their kind to the closed list in
 * `response-stores.ts`, and call `raiseTrigger`.
 */
import { AppError } from '../../errors.ts';
import { NOTHING_CHANGED, commitChange } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { newId } from '../new-id.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert } from '../raise-alert.ts';
import type { ResponseRow, ResponseRuleRow, TriggerKind } from '../response-stores.ts';
import { selectorFits, teamsOf } from '../rotation-policy.ts';
import type { KeyRow } from '../stores.ts';
import { haltRule } from './halt-rule.ts';
import { isReversible, settledState } from './effects.ts';
import { AUDITED_AS, takeActions } from './take-actions.ts';

/** Something that rules may react to. */
export interface RaisedTrigger {
  readonly kind: TriggerKind;
  readonly workspaceId: string;
  readonly subject:
    | { readonly kind: 'key'; readonly kid: string }
    /** As `callerNetwork` writes it. Rules can only notify of it. */
    | { readonly kind: 'network'; readonly network: string };
  /** What was seen, in a sentence without a full stop, and without any secret. */
  readonly evidence: string;
  /** The rules whose threshold was reached; absent: every rule for such triggers. */
  readonly ruleIds?: readonly string[];
}

/** What detectors are handed. */
export interface TriggerSink {
  /** Resolves when every rule has reacted, on every worker; what each that did something did. */
  raiseTrigger(trigger: RaisedTrigger): Promise<readonly ResponseRow[]>;
}

export function createTriggerSink(deps: AdminDeps): TriggerSink {
  return { raiseTrigger: (trigger) => raiseTrigger(deps, trigger) };
}

async function raiseTrigger(deps: AdminDeps, trigger: RaisedTrigger): Promise<readonly ResponseRow[]> {
  const workspace = deps.store.workspace(trigger.workspaceId);
  const nowMs = deps.clock.now();
  const responses: ResponseRow[] = [];
  for (const rule of await workspace.responseRules.all()) {
    if (rule.when.kind !== trigger.kind || !(trigger.ruleIds?.includes(rule.id) ?? true)) continue;
    const ctx: CallContext = {
      workspace,
      principal: { actor: `rule:${rule.id}`, permissions: new Set() },
      ...{ deps, nowMs, requestId: newId('rsp', nowMs), clientAddress: '' },
    };
    const response = await respond(ctx, rule.id, trigger);
    if (response !== null) responses.push(response);
  }
  return responses;
}

/** One rule reacts: all of its actions in one transaction, or a response that says why not. */
async function respond(ctx: CallContext, ruleId: string, trigger: RaisedTrigger): Promise<ResponseRow | null> {
  try {
    return await act(ctx, ruleId, trigger);
  } catch (error) {
    // What the store or a bug broke is not the rule's: it is told to whoever raised the trigger.
    if (!(error instanceof AppError && error.code === 'conflict')) throw error;
    return recordFailure(ctx, ruleId, trigger, error);
  }
}

/** What a rule that is to react sees inside the transaction; null where it has nothing to do. */
interface Occasion {
  readonly rule: ResponseRuleRow;
  readonly key: KeyRow | null;
  readonly halts: boolean;
}

async function act(ctx: CallContext, ruleId: string, trigger: RaisedTrigger): Promise<ResponseRow | null> {
  const audited = { action: AUDITED_AS.notify, targetKind: trigger.subject.kind };
  const { change, receipt } = await commitChange(ctx, audited, async (tx) => {
    const occasion = await occasionOf(tx, ruleId, trigger);
    if (occasion === null) return NOTHING_CHANGED;
    if (occasion.halts) {
      await haltRule(tx, occasion.rule, trigger);
      return NOTHING_CHANGED;
    }
    const { rule, key } = occasion;
    const reason = `rule "${rule.name}" (${rule.id}): ${trigger.evidence}`.slice(0, REASON_LENGTH_MAX);
    const taken = await takeActions(tx, { rule, key, trigger, reason });
    if (taken === null) return NOTHING_CHANGED;
    const row = rowOf(ctx, rule, trigger, taken.effects);
    await tx.workspace.responses.insert(row);
    return {
      targetId: row.subjectId,
      action: auditedAs(taken.effects),
      ...(rule.state === 'dry-run' ? { targets: [] } : {}),
      before: taken.before,
      after: taken.after,
      reason,
      propagate: taken.kid === null ? { kind: 'none' } : { kind: 'key', kid: taken.kid, wait: true },
      answer: () => row,
    } as const;
  });
  const row: ResponseRow | null = change.answer(receipt);
  if (row === null || row.state !== 'pending') return row;
  // It counts as done when every worker has it; until then the job asks them again.
  if (change.propagate.kind !== 'none' && receipt?.complete !== true) return row;
  const settled = settledState(row);
  await ctx.workspace.responses.update(row.id, { state: settled, inForceAtMs: ctx.deps.clock.now() });
  ctx.deps.log.info({ ruleId, responseId: row.id, subject: row.subjectId }, 'a rule reacted');
  return { ...row, state: settled, inForceAtMs: ctx.nowMs };
}

const REASON_LENGTH_MAX = 500;
const HOUR_MS = 3_600_000;

/** Read inside the transaction, so that a trigger raised twice at once finds what the first one did. */
async function occasionOf(tx: CallContext, ruleId: string, trigger: RaisedTrigger): Promise<Occasion | null> {
  const { workspace, nowMs } = tx;
  const rule = await workspace.responseRules.get(ruleId);
  if (rule === null || rule.state === 'disabled' || rule.state === 'halted') return null;
  const { subject } = trigger;
  const key = subject.kind === 'key' ? await workspace.keys.get(subject.kid) : null;
  if (subject.kind === 'key') {
    if (key === null || !selectorFits(rule.selector, key, await teamsOf(workspace, [rule.selector]))) return null;
  }
  const last = await workspace.responses.lastOf(rule.id, subjectIdOf(trigger));
  if (last !== null && isStillAnswered(last, rule, nowMs)) return null;
  const sinceMs = Math.max(nowMs - HOUR_MS, rule.countedFromMs);
  return { rule, key, halts: (await workspace.responses.countOf(rule.id, sinceMs)) >= rule.limitPerHour };
}

function isStillAnswered(last: ResponseRow, rule: ResponseRuleRow, nowMs: number): boolean {
  if (last.state === 'pending' || last.state === 'in-force') return true;
  // Counted from its end: whoever undid it has decided.
  return Math.max(last.createdAtMs, last.endedAtMs ?? 0) > nowMs - rule.cooldownMs;
}

function subjectIdOf({ subject }: RaisedTrigger): string {
  return subject.kind === 'key' ? subject.kid : subject.network;
}

function rowOf(
  { nowMs }: CallContext,
  rule: ResponseRuleRow,
  trigger: RaisedTrigger,
  effects: ResponseRow['effects'],
): ResponseRow {
  const dry = rule.state === 'dry-run';
  return {
    id: newId('res', nowMs),
    ruleId: rule.id,
    ruleName: rule.name,
    trigger: trigger.kind,
    subjectKind: trigger.subject.kind,
    subjectId: subjectIdOf(trigger),
    state: dry ? 'dry-run' : 'pending',
    evidence: trigger.evidence.slice(0, REASON_LENGTH_MAX),
    effects,
    createdAtMs: nowMs,
    inForceAtMs: null,
    expiresAtMs: rule.undoAfterMs === null || dry || !effects.some(isReversible) ? null : nowMs + rule.undoAfterMs,
    endedAtMs: null,
    endedBy: null,
    endedReason: null,
  };
}

/** As what one did it that did the most of all. */
function auditedAs(effects: ResponseRow['effects']): string {
  const strongest = (['revoke', 'mark-compromised', 'rotate', 'suspend', 'lower-limits'] as const).find((kind) =>
    effects.some((effect) => effect.kind === kind),
  );
  return AUDITED_AS[strongest ?? 'notify'];
}

/** Kept, so that it is not tried again at once, and told. */
async function recordFailure(
  ctx: CallContext,
  ruleId: string,
  trigger: RaisedTrigger,
  error: AppError,
): Promise<ResponseRow | null> {
  ctx.deps.log.error({ err: error, ruleId }, 'a rule could not react');
  return ctx.workspace.transaction(async (workspace) => {
    const rule = await workspace.responseRules.get(ruleId);
    if (rule === null) return null;
    const row: ResponseRow = {
      ...rowOf(ctx, rule, trigger, []),
      state: 'failed',
      endedAtMs: ctx.nowMs,
      endedReason: error.message,
    };
    await workspace.responses.insert(row);
    const message = `The rule "${rule.name}" (${rule.id}) could not react to ${row.subjectId}, where ${trigger.evidence}: ${error.message} Act by hand, or correct the rule.`;
    await raiseAlert(
      workspace,
      {
        kind: 'response_failed',
        severity: 'critical',
        subjectKind: row.subjectKind,
        subjectId: row.subjectId,
        message,
      },
      ctx.nowMs,
    );
    return row;
  });
}
