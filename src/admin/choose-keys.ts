/** Which keys an action on many of them is about. */
import { z } from 'zod';
import { parseCidr } from '../keys/cidr.ts';
import type { CallContext } from './contract.ts';
import { cidr, id, iso, time } from './fields.ts';
import { eachKey } from './key-walk.ts';
import type { KeyChoice } from './key-walk.ts';
import type { ApplicationRow, KeyRow, Page, WorkspaceStore } from './stores.ts';
import { keyRef, kidOf } from './resources/key-view.ts';
import { invalidField } from './validation.ts';

const DAY_MS = 86_400_000;
const CALLS_OF_DAYS = 30;
const BATCH = 500;

/** At least one is needed; a key is meant when it fits all that are given. */
export const keySelectors = {
  applicationId: id.exactOptional().describe('Keys of this application.'),
  ownerId: id.exactOptional().describe('Keys that this person owns, and those of the applications they own.'),
  teamId: id.exactOptional().describe('Keys of the applications of this team.'),
  tag: z.string().trim().min(1).max(60).exactOptional().describe('Keys with this tag.'),
  network: cidr.exactOptional().describe('Keys that made a call from this network.'),
  provider: z.string().min(1).max(100).exactOptional().describe('Keys that called this provider.'),
  since: time
    .exactOptional()
    .describe(`With network or provider: calls since then. Default: ${CALLS_OF_DAYS} days ago.`),
  kids: z.array(keyRef).min(1).max(10_000).exactOptional().describe('These keys.'),
};

const selectorsShape = z.object(keySelectors);
type Selectors = z.output<typeof selectorsShape>;

/** The keys that fit every selector. */
export async function chooseKeys(ctx: CallContext, selectors: Selectors): Promise<readonly KeyRow[]> {
  refuseNone(selectors);
  await refuseUnknown(ctx.workspace, selectors);
  const callers = await callersOf(ctx, selectors);
  const applications = await everyApplication(ctx.workspace);
  const chosen: KeyRow[] = [];
  const collect = (rows: readonly KeyRow[]): void => {
    for (const row of rows) if (fits(row, selectors, { callers, applications })) chosen.push(row);
  };
  if (selectors.kids !== undefined) collect(await namedKeys(ctx.workspace, selectors.kids));
  else if (callers !== null) for await (const rows of inBatches(ctx.workspace, [...callers])) collect(rows);
  else for await (const rows of eachKey(ctx.workspace, choiceOf(selectors, applications))) collect(rows);
  return chosen;
}

interface Known {
  readonly callers: ReadonlySet<string> | null;
  /** Also those that are deleted: their keys may come back with them. */
  readonly applications: ReadonlyMap<string, ApplicationRow>;
}

function fits(
  row: KeyRow,
  { applicationId, ownerId, teamId, tag }: Selectors,
  { callers, applications }: Known,
): boolean {
  const application = applications.get(row.applicationId);
  return (
    (applicationId === undefined || row.applicationId === applicationId) &&
    (ownerId === undefined || row.ownerId === ownerId || application?.ownerId === ownerId) &&
    (teamId === undefined || application?.teamId === teamId) &&
    (tag === undefined || row.tags.includes(tag)) &&
    (callers === null || callers.has(row.kid))
  );
}

/** The narrowest walk that meets every key that can fit. */
function choiceOf({ applicationId, ownerId, teamId }: Selectors, applications: Known['applications']): KeyChoice {
  const where = (isMeant: (row: ApplicationRow) => boolean) =>
    [...applications.values()].filter(isMeant).map((row) => row.id);
  if (applicationId !== undefined) return { kind: 'beneath', applicationIds: [applicationId] };
  if (teamId !== undefined) return { kind: 'beneath', applicationIds: where((row) => row.teamId === teamId) };
  if (ownerId !== undefined) {
    return { kind: 'beneath', applicationIds: where((row) => row.ownerId === ownerId), ownerId };
  }
  return { kind: 'all' };
}

function refuseNone({ since, ...selectors }: Selectors): void {
  if (Object.keys(selectors).length === 0) {
    throw invalidField('body', '', `names no keys: give ${Object.keys(keySelectors).join(', ')}, one or more`);
  }
  if (since !== undefined && selectors.network === undefined && selectors.provider === undefined) {
    throw invalidField('body', 'since', 'goes with network or provider');
  }
}

/** A slip in an id must not look like an empty set of keys. What is deleted is known still. */
async function refuseUnknown(workspace: WorkspaceStore, { applicationId, ownerId, teamId }: Selectors): Promise<void> {
  if (applicationId !== undefined && (await workspace.applications.find(applicationId)) === null) {
    throw invalidField('body', 'applicationId', `names no application: ${applicationId}`);
  }
  if (ownerId !== undefined && (await workspace.people.find(ownerId)) === null) {
    throw invalidField('body', 'ownerId', `names no person: ${ownerId}`);
  }
  if (teamId !== undefined && (await workspace.teams.find(teamId)) === null) {
    throw invalidField('body', 'teamId', `names no team: ${teamId}`);
  }
}

async function callersOf(
  ctx: CallContext,
  { network, provider, since }: Selectors,
): Promise<ReadonlySet<string> | null> {
  if (network === undefined && provider === undefined) return null;
  const block = network === undefined ? null : parseCidr(network);
  const { workspaceId } = ctx.workspace;
  const fromMs = since === undefined ? ctx.nowMs - CALLS_OF_DAYS * DAY_MS : Date.parse(since);
  const byNetwork = block?.ok === true ? { network: block.cidr } : {};
  const byProvider = provider === undefined ? {} : { provider };
  const kids = await ctx.deps.calls.callers(workspaceId, { fromMs, ...byNetwork, ...byProvider });
  if (kids.length > 0) return new Set(kids);
  // What no call shows at all is more likely a slip than an answer.
  if (provider !== undefined && !isKnownProvider(ctx, provider)) {
    const past = await ctx.deps.calls.callers(workspaceId, { fromMs, ...byProvider });
    if (past.length === 0) throw invalidField('body', 'provider', `names no provider: ${provider}`);
  }
  if (network !== undefined) {
    const seen = await ctx.deps.calls.callers(workspaceId, { fromMs, ...byNetwork });
    if (seen.length === 0) {
      throw invalidField(
        'body',
        'network',
        `names a network that no key was used from since ${iso(fromMs)}: ${network}`,
      );
    }
  }
  return new Set();
}

function isKnownProvider({ deps, workspace }: CallContext, provider: string): boolean {
  return Object.hasOwn(deps.snapshotSource.current().workspaces[workspace.workspaceId]?.providers ?? {}, provider);
}

async function namedKeys(workspace: WorkspaceStore, refs: readonly string[]): Promise<readonly KeyRow[]> {
  const found = new Map<string, KeyRow>();
  for await (const rows of inBatches(workspace, refs.map(kidOf))) for (const row of rows) found.set(row.kid, row);
  const missing = refs.findIndex((ref) => !found.has(kidOf(ref)));
  if (missing !== -1) throw invalidField('body', `kids[${missing}]`, `names no key: ${refs[missing]}`);
  return [...found.values()];
}

async function* inBatches(workspace: WorkspaceStore, kids: readonly string[]): AsyncGenerator<readonly KeyRow[]> {
  for (let from = 0; from < kids.length; from += BATCH) yield workspace.keys.getMany(kids.slice(from, from + BATCH));
}

async function everyApplication(workspace: WorkspaceStore): Promise<Known['applications']> {
  const rows = [...(await workspace.applications.all())];
  let cursor: string | null = null;
  do {
    const page: Page<ApplicationRow> = await workspace.applications.list({ cursor, limit: BATCH }, { deleted: true });
    rows.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return new Map(rows.map((row) => [row.id, row]));
}
