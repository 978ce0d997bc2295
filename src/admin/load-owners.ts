import { compileOwners } from '../config/compile.ts';
import type { OwnersInput } from '../config/compile.ts';
import type { MembershipState, TeamState, WorkspaceState } from '../keys/owners.ts';
import type { MembershipRow, TeamRow, WorkspaceStore } from './stores.ts';

/** Who and what stands behind the keys of a workspace. What is deleted is left out. */
export async function loadOwners(workspace: WorkspaceStore): Promise<Omit<OwnersInput, 'workspace'>> {
  return {
    applications: await workspace.applications.all(),
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

function withMembers(teams: readonly TeamRow[], memberships: readonly MembershipRow[]): readonly TeamState[] {
  const byTeam = Map.groupBy(memberships, ({ teamId }) => teamId);
  return teams.map((team) => ({ ...team, members: membersOf(byTeam.get(team.id) ?? []) }));
}

function membersOf(memberships: readonly MembershipRow[]): Readonly<Record<string, MembershipState>> {
  return Object.fromEntries(memberships.map(({ personId, role, state }) => [personId, { role, state }]));
}
