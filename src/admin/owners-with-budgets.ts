import { levelOf } from '../keys/standing.ts';
import type { LimitLevel } from '../limits/call-limits.ts';
import type { AdminDeps } from './ports.ts';

/** The workspace, teams and applications of a workspace that have a budget of their own, as they stand now. */
export function ownersWithBudgets(
  { snapshotSource }: Pick<AdminDeps, 'snapshotSource'>,
  workspaceId: string,
): readonly LimitLevel[] {
  const snapshot = snapshotSource.current().workspaces[workspaceId];
  if (snapshot === undefined) return [];
  return [
    levelOf('workspace', snapshot.id, snapshot),
    ...Object.values(snapshot.teams).map((team) => levelOf('team', team.id, team)),
    ...Object.values(snapshot.applications).map((application) => levelOf('application', application.id, application)),
  ].filter(({ limits }) => (limits.budgets ?? []).length > 0);
}
