import { compileOwners } from '../config/compile.ts';
import type { OwnersInput } from '../config/compile.ts';
import type { ApplicationState, MembershipState, TeamState, WorkspaceState } from '../keys/owners.ts';
import type { MembershipRow, PersonRow, SubscriptionRow, TeamRow } from './owner-stores.ts';
import type { ApplicationRow, KeyRow, WorkspaceStore } from './stores.ts';

/** Who and what stands behind the keys of a workspace. What is deleted is left out. */
export async function loadOwners(workspace: WorkspaceStore): Promise<Omit<OwnersInput, 'workspace'>> {
  return {
    applications: withSubscriptions(await workspace.applications.all(), await workspace.subscriptions.all()),
    people: await workspace.people.all(),
    teams: withMembers(await workspace.teams.all(), await workspace.memberships.all()),
  };
}

/** The same as the engine sees it; null where the workspace itself is deleted. */
export async function readOwners(workspace: WorkspaceStore): Promise<WorkspaceState | null> {
  const row = await workspace.deployment.get(workspace.workspaceId);
  // The same warnings come when the snapshot is compiled.
  return row && compileOwners({ workspace: row, ...(await loadOwners(workspace)) }, () => undefined);
}

/** The same with nothing but what stands behind one key. */
export async function readOwnersOf(
  workspace: WorkspaceStore,
  key: Pick<KeyRow, 'applicationId' | 'ownerId'>,
): Promise<WorkspaceState | null> {
  const row = await workspace.deployment.get(workspace.workspaceId);
  const application = await workspace.applications.get(key.applicationId);
  const team =
    application === null || application.teamId === null ? null : await workspace.teams.get(application.teamId);
  const people: PersonRow[] = [];
  const memberships: MembershipRow[] = [];
  for (const personId of new Set([key.ownerId, application?.ownerId ?? null])) {
    if (personId === null) continue;
    const person = await workspace.people.get(personId);
    const membership = team === null ? null : await workspace.memberships.get(team.id, personId);
    if (person !== null) people.push(person);
    if (membership !== null) memberships.push(membership);
  }
  const applications =
    application === null
      ? []
      : withSubscriptions([application], await workspace.subscriptions.ofApplication(application.id));
  const teams = withMembers(team === null ? [] : [team], memberships);
  return row && compileOwners({ workspace: row, applications, people, teams }, () => undefined);
}

function withSubscriptions(
  applications: readonly ApplicationRow[],
  subscriptions: readonly SubscriptionRow[],
): readonly ApplicationState[] {
  if (subscriptions.length === 0) return applications;
  const byApplication = Map.groupBy(subscriptions, ({ applicationId }) => applicationId);
  return applications.map((application) => ({
    ...application,
    subscriptions: (byApplication.get(application.id) ?? []).map(({ id, kind, name, state }) => ({
      ...{ id, kind, state },
      names: [name],
    })),
  }));
}

function withMembers(teams: readonly TeamRow[], memberships: readonly MembershipRow[]): readonly TeamState[] {
  const byTeam = Map.groupBy(memberships, ({ teamId }) => teamId);
  return teams.map((team) => ({ ...team, members: membersOf(byTeam.get(team.id) ?? []) }));
}

function membersOf(memberships: readonly MembershipRow[]): Readonly<Record<string, MembershipState>> {
  return Object.fromEntries(memberships.map(({ personId, role, state }) => [personId, { role, state }]));
}
