import type { CallContext } from './contract.ts';
import { withImpact } from './impact.ts';
import type { ImpactQuery, ImpactView } from './impact.ts';
import type { Change } from './change.ts';
import type { KeyChoice } from './key-walk.ts';
import type { ApplicationRow, WorkspaceStore } from './stores.ts';
import { invalidField } from './validation.ts';

/** Refuses an owner who could not answer for a key: the key would be refused at its first call. */
export async function requireOwner(
  workspace: WorkspaceStore,
  { ownerId, teamId }: { readonly ownerId: string | null; readonly teamId: string | null },
): Promise<void> {
  if (ownerId === null) return;
  const reason = await whyNotOwner(workspace, ownerId, teamId);
  if (reason !== null) throw invalidField('body', 'ownerId', reason);
}

/** Refuses a team that is not there. */
export async function requireTeamOf(workspace: WorkspaceStore, teamId: string | null): Promise<void> {
  if (teamId === null || (await workspace.teams.get(teamId)) !== null) return;
  throw invalidField('body', 'teamId', `names no team: ${teamId}`);
}

async function whyNotOwner(workspace: WorkspaceStore, ownerId: string, teamId: string | null): Promise<string | null> {
  const person = await workspace.people.find(ownerId);
  if (person === null) return `names no person: ${ownerId}`;
  if (person.deletedAtMs !== null) return `names a person who was deleted: ${ownerId}`;
  if (person.state !== 'active') return `names a person who is disabled: ${ownerId}`;
  if (teamId === null) return null;
  const membership = await workspace.memberships.get(teamId, ownerId);
  if (membership === null) return `names a person who is no member of the application's team ${teamId}: ${ownerId}`;
  if (membership.state !== 'active')
    return `names a person whose membership of the team ${teamId} is disabled: ${ownerId}`;
  if (membership.role === 'viewer') return `names a person who may only look on in the team ${teamId}: ${ownerId}`;
  return null;
}

/** The keys whose application is one of those, and, where a person is named, the keys that they own themselves. */
export async function keysBeneath(
  workspace: WorkspaceStore,
  isAbove: (application: ApplicationRow) => boolean,
  ownerId?: string,
): Promise<KeyChoice> {
  const applicationIds = (await workspace.applications.all()).filter(isAbove).map(({ id }) => id);
  return { kind: 'beneath', applicationIds, ...(ownerId === undefined ? {} : { ownerId }) };
}

export interface StandingChange<Row, View> {
  readonly targetId: string;
  readonly before: Row;
  /** The keys that may be affected; null: none is. */
  readonly beneath: KeyChoice | null;
  readonly query: ImpactQuery;
  /** Where it is not the workspace of the call. */
  readonly workspace?: WorkspaceStore;
  readonly view: (row: Row) => View;
  /** Makes the change; gives what it led to. */
  readonly make: () => Promise<Row>;
}

/** A change of something that keys stand on, told together with what it does to them. */
export async function standingChange<Row, View extends object>(
  ctx: CallContext,
  { targetId, before, beneath, query, workspace = ctx.workspace, view, make }: StandingChange<Row, View>,
): Promise<Change<View & { impact: ImpactView }>> {
  const { made, impact } = await withImpact(ctx, { workspace, beneath, query }, make);
  return {
    targetId,
    before: view(before),
    after: view(made),
    reason: query.reason ?? null,
    propagate: { kind: 'snapshot' },
    answer: () => ({ ...view(made), impact }),
  };
}
