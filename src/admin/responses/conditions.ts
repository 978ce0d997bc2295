/** Triggers that are read from what is stored: which keys may meet them, and why one does. */
import type { CallContext } from '../contract.ts';
import { iso } from '../fields.ts';
import type { KeyScan } from '../key-life-stores.ts';
import { isWatched, lastSignMs } from '../known-activity.ts';
import type { TriggerKind, When } from '../response-stores.ts';
import { isLive, readPolicies } from '../rotation-policy.ts';
import type { PolicyBook } from '../rotation-policy.ts';
import { standingOfRow } from '../resources/key-limits.ts';
import { MINTING_DEFAULT } from '../resources/key-mint.ts';
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
  /** The keys among which those that meet it are. */
  scanFor(when: Condition): KeyScan;
  /** Why a key meets it, in a sentence without a full stop; null: it does not. */
  evidenceOf(when: Condition, key: KeyRow): Promise<string | null>;
}

export async function readConditions(ctx: CallContext): Promise<ConditionReader> {
  const known: Known = { gone: await goneOwners(ctx), policies: await readPolicies(ctx.workspace) };
  return {
    scanFor: (when) => scanFor(ctx, when, known),
    evidenceOf: (when, key) => evidenceOf(ctx, when, key, known),
  };
}

interface Known {
  readonly gone: GoneOwners;
  readonly policies: PolicyBook;
}

function scanFor({ nowMs }: CallContext, when: Condition, { gone }: Known): KeyScan {
  switch (when.kind) {
    case 'idle':
      return { kind: 'unused-since', beforeMs: nowMs - when.afterMs };
    case 'budget':
      return { kind: 'with-budgets' };
    case 'pool':
      return { kind: 'minted-from', nowMs };
    case 'owner_disabled':
      return { kind: 'beneath', ownerIds: [...gone.people.keys()], applicationIds: [...gone.applications.keys()] };
    case 'policy_violation':
      return { kind: 'all' };
  }
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
      return budgetEvidence(ctx, key, when.percent);
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

/** The key's own budgets: what it shares with others would stop those who did not use it. */
async function budgetEvidence(ctx: CallContext, key: KeyRow, percent: number): Promise<string | null> {
  if (!isLive(key, ctx.nowMs)) return null;
  const { levels } = await standingOfRow(ctx, key);
  const own = levels.filter(({ id }) => id === key.kid);
  const reached = ctx.deps.keyLimits
    .bind({ levels: own })
    .read(ctx.nowMs)
    .find(({ kind, used, limit }) => kind === 'budget' && used * 100 >= limit * percent);
  if (reached?.budget === undefined || reached.budget === null) return null;
  const part = Math.floor((reached.used * 100) / reached.limit);
  return `${part} % of its budget of ${reached.budget.nanoUsd / 1e9} USD (${reached.budget.period}) is used`;
}

const FILLING = ['ok', 'warning', 'critical', 'full'] as const;

async function poolEvidence(ctx: CallContext, key: KeyRow, from: (typeof FILLING)[number]): Promise<string | null> {
  const { liveMax } = key.minting ?? MINTING_DEFAULT;
  const { live } = await ctx.workspace.keys.livePool(key.kid, ctx.nowMs);
  if (FILLING.indexOf(poolState(live, liveMax)) < FILLING.indexOf(from)) return null;
  return `${live} of ${liveMax} temporary keys that it may have are in use`;
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
