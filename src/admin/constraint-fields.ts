/** Scopes and limits as the admin API shows and takes them: the key core's vocabulary, with money in USD. */
import { z } from 'zod';
import { parseEndpointPattern } from '../keys/endpoint-pattern.ts';
import { BUDGET_NANO_USD_MAX, NO_LIMITS, NO_SCOPES, readLimits, readScopes } from '../keys/constraints.ts';
import type { Budget, Limits, Scopes } from '../keys/constraints.ts';
import { cidr, modelPattern } from './fields.ts';
import { invalidField } from './validation.ts';

const NANO_USD = 1e9;
const LIST_MAX = 500;

const list = <T extends z.ZodType>(entry: T) => z.array(entry).max(LIST_MAX).nullable();
const word = z.string().min(1).max(256);
const clockTime = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time of day such as 09:00');
const timeZone = z.string().min(1).max(256).describe('An IANA name, such as Europe/Berlin.');

const endpointPattern = z.string().superRefine((text, ctx) => {
  const parsed = parseEndpointPattern(text);
  if (!parsed.ok) ctx.addIssue({ code: 'custom', message: `is not valid: ${parsed.reason}` });
});

const timeWindow = z.strictObject({
  days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).min(1),
  from: clockTime,
  to: clockTime,
  timeZone: timeZone.default('UTC'),
});

/** What a key's scope of operations may name: the classes that the gateway knows. */
export const OPERATIONS = [
  'chat',
  'embeddings',
  'rerank',
  'moderation',
  'images',
  'audio',
  'count_tokens',
  'models',
  'passthrough',
] as const;

const scopeFields = {
  models: list(modelPattern).describe(
    'Models it may call, as patterns over provider/name and aliases; null: all of its application. A pattern reaches what is there when it is set, not what is added later.',
  ),
  operations: list(word).describe(`Kinds of operation: ${OPERATIONS.join(', ')}; null: all.`),
  services: list(word).describe('Services it may call; null: all of its application.'),
  endpoints: list(endpointPattern).describe('Endpoints it may call, such as "POST /v1/chat/*"; null: all.'),
  tools: list(word).describe('MCP tools it may call; null: all.'),
  addresses: list(cidr).describe('Networks it may be used from; null: any.'),
  countries: list(z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters (ISO 3166-1)')).describe(
    'Countries it may be used from; null: any.',
  ),
  timeWindows: list(timeWindow).describe('When it may be used; null: at any time.'),
};

/** What can be set of scopes; omitted leaves, null clears. */
export const scopesInput = z
  .strictObject(
    optional({ ...scopeFields, operations: list(z.enum(OPERATIONS)).describe('Kinds of operation; null: all.') }),
  )
  .nullable();

export const scopesView = z.object(scopeFields);

const limit = z.int().min(1).max(1_000_000_000_000).nullable();
const usd = z
  .number()
  .min(1 / NANO_USD)
  .max(BUDGET_NANO_USD_MAX / NANO_USD);

/** One budget, in USD. */
export const budgetInput = z.strictObject({
  usd,
  period: z.enum(['hour', 'day', 'week', 'month', 'total']),
  window: z
    .enum(['calendar', 'rolling'])
    .default('calendar')
    .describe('calendar: anew with each period; rolling: looks back as long.'),
  timeZone: timeZone.default('UTC'),
  kind: z.enum(['hard', 'soft']).default('hard').describe('soft: exceeding it is told, and refuses nothing.'),
});

const limitFields = {
  requestsPerSecond: limit,
  requestsPerMinute: limit,
  requestsPerHour: limit,
  requestsPerDay: limit,
  tokensPerMinute: limit.describe('Input and output together.'),
  tokensPerDay: limit,
  concurrency: limit.describe('Calls in flight at the same time.'),
  uses: limit.describe('Calls that may ever be made.'),
  budgets: z.array(budgetInput).max(10).nullable().describe('USD per period; a call must fit into all of them.'),
  usdPerCallMax: usd.nullable().describe('What one call may cost at most, as estimated before it.'),
  tokensPerCallMax: limit.describe('Tokens of one call, input and output, as estimated before it.'),
  requestBytesMax: limit.describe('Bytes of the body of one request.'),
  responseBytesMax: limit.describe('Bytes of the body of one answer, as the caller gets it.'),
};

/** What can be set of limits; omitted leaves, null clears. */
export const limitsInput = z.strictObject(optional(limitFields)).nullable();

export const limitsView = z.object(limitFields);

type LimitsView = z.input<typeof limitsView>;
type ScopesInput = z.output<typeof scopesInput>;
type LimitsInput = z.output<typeof limitsInput>;

/** Scopes after a change, checked by the key core's own reader. */
export function changedScopes(before: Scopes, change: ScopesInput | undefined): Scopes {
  if (change === undefined) return before;
  const read = readScopes(change === null ? NO_SCOPES : { ...before, ...change });
  if (read.ok) return read.value;
  throw invalidField('body', 'scopes', `is not valid: ${read.reason}`);
}

/** Limits after a change, checked by the key core's own reader, and against one another. */
export function changedLimits(before: Limits, change: LimitsInput | undefined): Limits {
  if (change === undefined) return before;
  const read = readLimits(change === null ? NO_LIMITS : { ...before, ...storedForm(change) });
  if (!read.ok) throw invalidField('body', 'limits', `is not valid: ${read.reason}`);
  // Budgets that are there already may be more than one: a rule adds one beside those that were set.
  const budgets = change?.budgets === undefined ? [] : (read.value.budgets ?? []);
  const contradiction = findContradiction(read.value) ?? findBudgetContradiction(budgets);
  if (contradiction !== null) throw invalidField('body', `limits.${contradiction.field}`, contradiction.message);
  return read.value;
}

function storedForm({ budgets, usdPerCallMax, ...counts }: NonNullable<LimitsInput>): Partial<Limits> {
  return {
    ...counts,
    ...(budgets === undefined ? {} : { budgets: budgets?.map(storedBudget) ?? null }),
    ...(usdPerCallMax === undefined
      ? {}
      : { costPerCallMax: usdPerCallMax === null ? null : Math.round(usdPerCallMax * NANO_USD) }),
  };
}

export function storedBudget({ usd: amount, ...rest }: z.output<typeof budgetInput>): Budget {
  return { nanoUsd: Math.round(amount * NANO_USD), ...rest };
}

interface Contradiction {
  readonly field: string;
  /** A sentence's end. */
  readonly message: string;
}

/** Limits of which one can never bind, because another is always reached first: a mistake to tell. */
function findContradiction(limits: Limits): Contradiction | null {
  for (const [shorter, longer] of WIDENING) {
    const [few, many] = [limits[longer], limits[shorter]];
    if (few !== null && many !== null && many > few) {
      return {
        field: shorter,
        message: `allows ${many}, more than ${longer} (${few}) in a longer time: lower it, or raise that`,
      };
    }
  }
  const tightest = (limits.budgets ?? []).filter(({ kind }) => kind === 'hard').map(({ nanoUsd }) => nanoUsd);
  if (limits.costPerCallMax !== null && tightest.some((amount) => amount < (limits.costPerCallMax ?? 0))) {
    return { field: 'usdPerCallMax', message: 'is more than a whole budget: lower it, or raise the budget' };
  }
  return null;
}

/** The same of budgets: one that is said twice, and one behind which a hard one always ends sooner. */
function findBudgetContradiction(budgets: readonly Budget[]): Contradiction | null {
  for (const [index, budget] of budgets.entries()) {
    const field = `budgets[${index}]`;
    const twin = budgets.slice(0, index).find((one) => one.kind === budget.kind && spanOf(one) === spanOf(budget));
    if (twin !== undefined) {
      return {
        field,
        message: `(${budgetText(budget)}) is of the same period as ${budgetText(twin)}: keep one of them`,
      };
    }
    const hard = budgets.find((one) => one.kind === 'hard' && one.nanoUsd < budget.nanoUsd && endsBefore(one, budget));
    if (hard !== undefined) {
      const message = `(${budgetText(budget)}) can never be reached, because of ${budgetText(hard)}: lower it, or raise that`;
      return { field, message };
    }
  }
  return null;
}

const PERIODS = ['hour', 'day', 'week', 'month', 'total'] as const satisfies readonly Budget['period'][];

/** Whether all that is spent of the second is spent of the first, which is at least as long. */
function endsBefore(one: Budget, other: Budget): boolean {
  const longer = PERIODS.indexOf(one.period) > PERIODS.indexOf(other.period);
  return longer || spanOf(one) === spanOf(other);
}

/** What is counted together: as the ledgers of budgets are named. */
function spanOf({ period, window, timeZone }: Budget): string {
  if (period === 'total') return period;
  return window === 'rolling' ? `${period} ${window}` : `${period} ${window} ${timeZone}`;
}

function budgetText({ nanoUsd, period, kind }: Budget): string {
  return `${kind}, $${nanoUsd / NANO_USD} ${period === 'total' ? 'in total' : `per ${period}`}`;
}

/** The first must not be more than the second. */
const WIDENING = [
  ['requestsPerSecond', 'requestsPerMinute'],
  ['requestsPerMinute', 'requestsPerHour'],
  ['requestsPerHour', 'requestsPerDay'],
  ['requestsPerSecond', 'requestsPerHour'],
  ['requestsPerSecond', 'requestsPerDay'],
  ['requestsPerMinute', 'requestsPerDay'],
  ['tokensPerMinute', 'tokensPerDay'],
  ['tokensPerCallMax', 'tokensPerMinute'],
  ['tokensPerCallMax', 'tokensPerDay'],
] as const satisfies readonly (readonly [keyof Limits, keyof Limits])[];

export function viewScopes(scopes: Scopes): z.input<typeof scopesView> {
  // Copies: what was stored stays read-only.
  return structuredClone(scopes) as z.input<typeof scopesView>;
}

export function viewLimits({ budgets, costPerCallMax, ...counts }: Limits): LimitsView {
  return {
    ...counts,
    budgets: budgets?.map(viewBudget) ?? null,
    usdPerCallMax: costPerCallMax === null ? null : costPerCallMax / NANO_USD,
  };
}

export function viewBudget({ nanoUsd, ...rest }: Budget): z.output<typeof budgetInput> {
  return { usd: nanoUsd / NANO_USD, ...rest };
}

function optional<T extends Readonly<Record<string, z.ZodType>>>(fields: T) {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.exactOptional()])) as {
    [Name in keyof T]: z.ZodExactOptional<T[Name]>;
  };
}
