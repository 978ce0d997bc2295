/** What a key can reach, and how much of its limits is left. */
import { z } from 'zod';
import { mayCallModel } from '../../keys/checks/index.ts';
import type { Scopes, TimeWindow } from '../../keys/constraints.ts';
import type { DecisionInput, LimitReading } from '../../keys/decision-input.ts';
import type { CallContext } from '../contract.ts';
import { ledByAlias, modelFacts, modelNames } from '../model-facts.ts';
import { workspaceNow } from './present-input.ts';

const MODELS_MAX = 100;
const ENTRIES_MAX = 20;

export const reachView = z
  .object({
    models: z.array(z.string()).describe(`Models and aliases it may call, at most ${MODELS_MAX} of them.`),
    modelCount: z.int(),
    narrowedBy: z
      .array(
        z.object({
          level: z.string(),
          id: z.string(),
          scope: z.string(),
          entries: z.array(z.string()).describe(`At most ${ENTRIES_MAX} of them.`),
          entryCount: z.int(),
        }),
      )
      .describe('Every scope of every level that a call must fit into.'),
  })
  .meta({ id: 'KeyReach' });

export const limitView = z
  .object({
    level: z.string(),
    id: z.string(),
    name: z.string(),
    limit: z.number(),
    used: z.number(),
    remaining: z.number(),
    retryAfterMs: z.number().nullable().describe('Until one more call fits: 0 now, null when waiting does not help.'),
  })
  .meta({ id: 'LimitState' });

export function viewReach(ctx: CallContext, input: DecisionInput): z.input<typeof reachView> {
  const workspace = workspaceNow(ctx);
  const names = workspace === null ? [] : modelNames(workspace);
  const models = names.filter((name) =>
    mayCallModel(ledByAlias({ ...input, facts: { ...input.facts, ...modelFacts(workspace, name) } }, workspace)),
  );
  return { models: models.slice(0, MODELS_MAX), modelCount: models.length, narrowedBy: narrowings(input) };
}

function narrowings({ standing }: DecisionInput): z.input<typeof reachView>['narrowedBy'] {
  return standing.levels.flatMap(({ kind, id, scopes }) =>
    Object.entries(scopes).flatMap(([scope, entries]: [string, Scopes[keyof Scopes]]) => {
      if (entries === null) return [];
      const texts = entries.slice(0, ENTRIES_MAX).map(textOf);
      return [{ level: kind, id, scope, entries: texts, entryCount: entries.length }];
    }),
  );
}

function textOf(entry: string | TimeWindow): string {
  return typeof entry === 'string' ? entry : `${entry.days.join(' ')} ${entry.from}-${entry.to} ${entry.timeZone}`;
}

export function viewLimit(reading: LimitReading): z.input<typeof limitView> {
  const { level, levelId: id, name, limit, used, retryAfterMs } = reading;
  return { level, id, name, limit, used, remaining: Math.max(0, limit - used), retryAfterMs };
}
