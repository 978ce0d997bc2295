/** Triggers that are read from what is stored: which keys may meet them, and why one does. */
import type { LimitLevel, LimitReading } from '../../limits/call-limits.ts';
import type { CallContext } from '../contract.ts';
import { iso } from '../fields.ts';
import type { KeyScan } from '../key-life-stores.ts';
import { isWatched, lastSignMs } from '../known-activity.ts';
import { ownersWithBudgets } from '../owners-with-budgets.ts';
import type { BudgetLevel, TriggerKind, When } from '../response-stores.ts';
import { isLive, readPolicies } from '../rotation-policy.ts';
import type { PolicyBook } from '../rotation-policy.ts';
import { standingOfRow } from '../resources/key-limits.ts';
import { poolsOf } from '../key-pools.ts';
import { poolState } from '../resources/key-pool.ts';
import { violationsOf } from '../resources/reports.ts';
import type { KeyRow } from '../stores.ts';

type Condition = Exclude<When, { readonly kind: 'repeated_failures' | 'dead_key_use' | 'leak' }>;

export function isCondition(when: When): when is Condition {
  return when.kind !== 'repeated_failures' && when.kind !== 'dead_key_use' && when.kind !== 'leak';
}

export type ConditionKind = Condition['kind'] & TriggerKind;

/** Reads conditions of one workspace; what all keys have in common is read once. */
export interface ConditionReader {
  /** The keys among which those that meet it are; one may be in several. */
  scansFor(when: Condition): readonly KeyScan[];
  /** Why a key meets it, in a sentence without a full stop; null: it does not. */
  evidenceOf(when: Condition, key: KeyRow): Promise<string | null>;
}

export async function readConditions(ctx: CallContext): Promise<ConditionReader> {
  const known: Known = { gone: await goneOwners(ctx), policies: await readPolicies(ctx.workspace) };
  return {
    scansFor: (when) => scansFor(ctx, when, known),
    evidenceOf: (when, key) => evidenceOf(ctx, when, key, known),
  };
}

interface Known {
  readonly gone: GoneOwners;
  readonly policies: PolicyBook;
}

function scansFor(ctx: CallContext, when: Condition, { gone }: Known): readonly KeyScan[] {
  const { nowMs } = ctx;
  switch (when.kind) {
    case 'idle':
      return [{ kind: 'unused-since', beforeMs: nowMs - when.afterMs }];
    case 'budget':
      return [...(levelsOf(when).includes('key') ? OWN_BUDGETS : []), ...scansBeneath(ctx, when)];
    case 'pool':
      return [{ kind: 'with-pool', nowMs }];
    case 'owner_disabled':
      return [{ kind: 'beneath', ownerIds: [...gone.people.keys()], applicationIds: [...gone.applications.keys()] }];
    case 'policy_violation':
      return [{ kind: 'all' }];
  }
}

type BudgetCondition = Extract<Condition, { readonly kind: 'budget' }>;

const OWN_BUDGETS = [{ kind: 'with-budgets' }] as const;

/** Rules only look at what a key shares with others where they say so: it may not be what used it. */
function levelsOf({ levels = ['key'] }: BudgetCondition): readonly BudgetLevel[] {
  return levels;
}

/** The keys that stand on an owner whose budget is used so far. */
function scansBeneath(ctx: CallContext, when: BudgetCondition): readonly KeyScan[] {
  const reached = ownersWithBudgets(ctx.deps, ctx.workspace.workspaceId).filter(
    (level) => levelsOf(when).some((kind) => kind === level.kind) && reachedBudget(ctx, [level], when) !== null,
  );
  if (reached.length === 0) return [];
  if (reached.some(({ kind }) => kind === 'workspace')) return [{ kind: 'all' }];
  const { applications = {} } = ctx.deps.snapshotSource.current().workspaces[ctx.workspace.workspaceId] ?? {};
  const ids = new Set(reached.map(({ kind, id }) => `${kind} ${id}`));
  const beneath = Object.values(applications).filter(
    ({ id, teamId }) => ids.has(`application ${id}`) || ids.has(`team ${teamId ?? ''}`),
  );
  return [{ kind: 'beneath', ownerIds: [], applicationIds: beneath.map(({ id }) => id) }];
}

async function evidenceOf(ctx: CallContext, when: Condition, key: KeyRow, known: Known): Promise<string | null> {
  switch (when.kind) {
    case 'owner_disabled':
      return ownerEvidence(key, known.gone);
    case 'idle': {
      const sinceMs = lastSignMs(ctx, key);
      const isIdle = isWatched(key, ctx.nowMs) && ctx.nowMs - sinceMs >= when.afterMs;
      return isIdle ? `it was not used since ${iso(sinceMs)}` : null;
    }
    case 'budget':
      return budgetEvidence(ctx, key, when);
    case 'pool':
      return poolEvidence(ctx, key, when.state);
    case 'policy_violation':
      return violationEvidence(ctx, when, key, known);
  }
}

interface GoneOwners {
  /** People who are disabled or deleted, and what they are called. */
  readonly people: ReadonlyMap<string, string>;
  /** Applications that they own: id → owner. */
  readonly applications: ReadonlyMap<string, string>;
}

const DELETED_MAX = 500;

/** Of those that were deleted, the last: whoever was deleted before has been reacted to. */
async function goneOwners({ workspace }: CallContext): Promise<GoneOwners> {
  const disabled = (await workspace.people.all()).filter(({ state }) => state !== 'active');
  const deleted = (await workspace.people.list({ cursor: null, limit: DELETED_MAX }, { deleted: true })).items;
  const people = new Map([
    ...disabled.map(({ id, name }) => [id, `its owner ${name} (${id}) is disabled`] as const),
    ...deleted.map(({ id, name }) => [id, `its owner ${name} (${id}) is deleted`] as const),
  ]);
  const applications = new Map<string, string>();
  for (const { id, ownerId } of await workspace.applications.all()) {
    if (ownerId !== null && people.has(ownerId)) applications.set(id, ownerId);
  }
  return { people, applications };
}

function ownerEvidence(key: KeyRow, { people, applications }: GoneOwners): string | null {
  const ownerId = key.ownerId !== null && people.has(key.ownerId) ? key.ownerId : applications.get(key.applicationId);
  return ownerId === undefined ? null : (people.get(ownerId) ?? null);
}

async function budgetEvidence(ctx: CallContext, key: KeyRow, when: BudgetCondition): Promise<string | null> {
  if (!isLive(key, ctx.nowMs)) return null;
  const { levels } = await standingOfRow(ctx, key);
  const watched = levels.filter(({ kind }) => levelsOf(when).some((wanted) => wanted === kind));
  const reached = reachedBudget(ctx, watched, when);
  if (reached === null || reached.budget === undefined || reached.budget === null) return null;
  const part = Math.floor((reached.used * 100) / reached.limit);
  const whose = reached.level === 'key' ? 'its budget' : `the budget of its ${reached.level} ${reached.levelId}`;
  return `${part} % of ${whose} of ${reached.budget.nanoUsd / 1e9} USD (${reached.budget.period}) is used`;
}

/** The first budget of the levels, from the inside out, that is used so far. */
function reachedBudget(
  ctx: CallContext,
  levels: readonly LimitLevel[],
  { percent }: BudgetCondition,
): LimitReading | null {
  const readings = ctx.deps.keyLimits.bind({ levels }).read(ctx.nowMs);
  return readings.find(({ kind, used, limit }) => kind === 'budget' && used * 100 >= limit * percent) ?? null;
}

const FILLING = ['ok', 'warning', 'critical', 'full'] as const;

async function poolEvidence(ctx: CallContext, key: KeyRow, from: (typeof FILLING)[number]): Promise<string | null> {
  const { limit, fuller } = await poolsOf(ctx, key);
  if (FILLING.indexOf(poolState(fuller.live, limit)) < FILLING.indexOf(from)) return null;
  return `${fuller.live} of ${limit} ${fuller.what} that it may have are in use`;
}

function violationEvidence(
  ctx: CallContext,
  { violations }: Extract<Condition, { readonly kind: 'policy_violation' }>,
  key: KeyRow,
  { policies }: Known,
): string | null {
  if (!isLive(key, ctx.nowMs)) return null;
  const found = violationsOf(key, policies.policyFor(key), ctx.nowMs);
  const broken = found.find(({ rule }) => violations.some((wanted) => wanted === rule));
  return broken === undefined ? null : `it breaks the rules of rotation (${broken.rule})`;
}
