/**
 * What a change does to keys, worked out by the engine itself: each key beneath the change is judged
 * as it stood before and as it stands after. A preview is the same change in a transaction that is
 * taken back, so that it cannot tell anything else than what the change does.
 */
import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { WorkspaceState } from '../keys/owners.ts';
import { prepareKey } from '../keys/prepare.ts';
import type { PreparedKey } from '../keys/prepare.ts';
import { refusalOfAnyCall } from '../keys/reach.ts';
import type { KnownModel } from '../keys/reach.ts';
import { standingOf } from '../keys/standing.ts';
import type { CallContext } from './contract.ts';
import { count, flag, pageFields, pageOfArray, pageRequest } from './fields.ts';
import { eachKey } from './key-walk.ts';
import type { KeyChoice } from './key-walk.ts';
import { readOwners, readOwnersOf } from './load-owners.ts';
import { knownModels } from './known-models.ts';
import type { KeyRow, WorkspaceStore } from './stores.ts';

/** The part of a change's query that is about the keys beneath. */
export const impactQuery = {
  preview: flag.describe('True: nothing is changed; the answer is what it would be, with every key that would stop.'),
  reason: z.string().trim().min(1).max(500).exactOptional().describe('Why, for the audit log.'),
  cursor: pageFields.cursor.describe('The `impact.next` of the answer before.'),
  limit: pageFields.limit.describe('Keys that the answer lists; they are counted in any case.'),
};

/** What a preview says of each key. */
export const keyBefore = {
  kid: z.string(),
  name: z.string(),
  applicationId: z.string(),
  ownerId: z.string().nullable(),
  state: z.enum(['active', 'suspended', 'revoked', 'compromised']).describe('As it was before.'),
};

const affectedKey = z
  .object({
    ...keyBefore,
    effect: z.enum(['stops', 'resumes']),
    code: z.string().describe('What its calls are refused with: after the change, or until it.'),
  })
  .meta({ id: 'AffectedKey' });

export const impactView = z
  .object({
    preview: z.boolean().describe('Whether nothing was changed.'),
    stops: count.describe('Keys that some call could be made with before, and none after.'),
    resumes: count.describe('Keys that no call could be made with before, and some after.'),
    keys: z.array(affectedKey).describe('A page of them, by key id.'),
    next: z.string().nullable().describe('The cursor of the next page; null at the end.'),
  })
  .meta({ id: 'Impact' });

export type ImpactView = z.input<typeof impactView>;

export interface ImpactQuery {
  readonly preview: boolean;
  readonly reason?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export interface ImpactOptions {
  readonly workspace: WorkspaceStore;
  /** The keys that may be affected; null: none is. */
  readonly beneath: KeyChoice | null;
  readonly query: ImpactQuery;
  /** What a key was before the change; unless given, the change leaves keys as they are. */
  readonly undo?: (row: KeyRow) => KeyRow;
}

interface Affected extends Omit<z.input<typeof affectedKey>, 'kid'> {
  readonly id: string;
}

/** Makes a change and finds out what it does to the keys beneath. */
export async function withImpact<T>(
  ctx: CallContext,
  { workspace, beneath, query, undo = (row) => row }: ImpactOptions,
  make: () => Promise<T>,
): Promise<{ readonly made: T; readonly impact: ImpactView }> {
  if (beneath === null) return { made: await make(), impact: viewOf([], query) };
  const before = await readOwners(workspace);
  const made = await make();
  const after = await readOwners(workspace);
  const models = knownModels(ctx.deps.snapshotSource.current(), workspace.workspaceId);
  const affected: Affected[] = [];
  for await (const rows of eachKey(workspace, beneath)) {
    for (const row of rows) {
      const chain = await chainOf(workspace, row);
      const was = refusalOf(chain.map(undo), before, { workspace, models, nowMs: ctx.nowMs });
      const is = refusalOf(chain, after, { workspace, models, nowMs: ctx.nowMs });
      if ((was === null) !== (is === null)) affected.push(affectedBy(undo(row), was, is));
    }
  }
  return { made, impact: viewOf(affected, query) };
}

function affectedBy(row: KeyRow, was: ErrorCode | null, is: ErrorCode | null): Affected {
  const { kid, name, applicationId, ownerId, state } = row;
  return {
    ...{ id: kid, name, applicationId, ownerId, state },
    effect: is === null ? 'resumes' : 'stops',
    code: is ?? was ?? 'internal_error',
  };
}

function viewOf(affected: readonly Affected[], query: ImpactQuery): ImpactView {
  const page = pageOfArray(affected, pageRequest(query));
  const stops = affected.filter(({ effect }) => effect === 'stops').length;
  return {
    preview: query.preview,
    stops,
    resumes: affected.length - stops,
    keys: page.items.map(({ id, ...rest }) => ({ kid: id, ...rest })),
    next: page.next,
  };
}

interface Surroundings {
  readonly workspace: WorkspaceStore;
  readonly models: readonly KnownModel[];
  readonly nowMs: number;
}

/** The code that a key is refused with, whatever is called; null where it can be used. */
function refusalOf(
  chain: readonly KeyRow[],
  owners: WorkspaceState | null,
  { workspace: { workspaceId }, models, nowMs }: Surroundings,
): ErrorCode | null {
  const [key, ...ancestors] = chain.map((row): PreparedKey => prepareKey({ ...row, workspaceId }));
  return key === undefined ? 'unknown_key' : refusalOfAnyCall(standingOf(key, ancestors, owners), models, nowMs);
}

/** The code that a stored key is refused with at present, whatever is called; null where it can be used. */
export async function presentRefusal(ctx: CallContext, row: KeyRow): Promise<ErrorCode | null> {
  const { workspace, nowMs } = ctx;
  const models = knownModels(ctx.deps.snapshotSource.current(), workspace.workspaceId);
  const owners = await readOwnersOf(workspace, row);
  return refusalOf(await chainOf(workspace, row), owners, { workspace, models, nowMs });
}

/** How many keys may stand above one another. */
const ANCESTORS_MAX = 4;

/** A key and the keys that it was minted from, nearest first. */
async function chainOf(workspace: WorkspaceStore, row: KeyRow): Promise<readonly KeyRow[]> {
  const chain = [row];
  let { parentKid } = row;
  while (parentKid !== null && chain.length <= ANCESTORS_MAX) {
    const parent: KeyRow | null = await workspace.keys.get(parentKid);
    if (parent === null) break;
    chain.push(parent);
    parentKid = parent.parentKid;
  }
  return chain;
}
