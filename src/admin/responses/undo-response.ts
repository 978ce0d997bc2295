/** Taking back what a rule did: by a person, or when its time is over. */
import { AppError } from '../../errors.ts';
import type { CallContext } from '../contract.ts';
import { emitEvent } from '../events.ts';
import { resolveAlert } from '../raise-alert.ts';
import type { ResponseRow } from '../response-stores.ts';
import type { KeyRow } from '../stores.ts';
import { effectOf, holds, isReversible, restoredLimits } from './effects.ts';
import { RULE_ALERTS } from './take-actions.ts';

export interface Ending {
  readonly state: 'undone' | 'expired' | 'superseded';
  readonly by: string;
  readonly reason: string | null;
}

/** What of a response still holds on its key; `others`: what else is in force on it. */
export interface Standing {
  readonly key: KeyRow | null;
  readonly others: readonly ResponseRow[];
  readonly holdsAll: boolean;
  readonly holdsSome: boolean;
}

export async function standingOfResponse(ctx: CallContext, row: ResponseRow): Promise<Standing> {
  const key = row.subjectKind === 'key' ? await ctx.workspace.keys.get(row.subjectId) : null;
  const others = (await ctx.workspace.responses.openOf(row.subjectId)).filter(({ id }) => id !== row.id);
  const effects = row.effects.filter(isReversible);
  const holding = key === null ? [] : effects.filter((effect) => holds(effect, key, others));
  return { key, others, holdsAll: holding.length === effects.length, holdsSome: holding.length > 0 };
}

/** Takes back what still holds of a response; the key as it is now. */
export async function takeBack(tx: CallContext, row: ResponseRow, { key, others }: Standing): Promise<KeyRow | null> {
  if (key === null) return null;
  const suspended = effectOf(row, 'suspend');
  const lowered = effectOf(row, 'lower-limits');
  const resumes = suspended !== null && holds(suspended, key, others);
  const restores = lowered !== null && holds(lowered, key, others);
  if (!resumes && !restores) return key;
  const change = {
    ...(resumes ? ({ state: 'active', suspension: null, stateReason: null } as const) : {}),
    ...(restores ? { limits: restoredLimits(lowered, key.limits, others) } : {}),
    updatedAtMs: tx.nowMs,
  };
  if (!(await tx.workspace.keys.update(key.kid, key.revision, change))) {
    throw new AppError('conflict', { message: `The key ${key.kid} was changed meanwhile. Repeat the request.` });
  }
  return { ...key, ...change, revision: key.revision + 1 };
}

/** Writes down the end of a response, and tells of it. */
export async function endResponse(tx: CallContext, row: ResponseRow, key: KeyRow | null, ending: Ending) {
  const end = { state: ending.state, endedAtMs: tx.nowMs, endedBy: ending.by, endedReason: ending.reason } as const;
  await tx.workspace.responses.update(row.id, end);
  await resolveAlert(tx.workspace, { kind: RULE_ALERTS[row.trigger], subjectId: row.subjectId }, tx.nowMs);
  const data = { responseId: row.id, ruleId: row.ruleId, subjectId: row.subjectId, state: ending.state };
  await emitEvent(tx.workspace, { type: 'response.ended', key, data }, tx.nowMs);
  return { ...row, ...end };
}
