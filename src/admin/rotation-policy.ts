/** Which rule of rotation applies to a key, and when it wants something. */
import type { KeySelector, RotationPolicyRow } from './key-life-stores.ts';
import type { KeyRow, WorkspaceStore } from './stores.ts';

/** The policies of a workspace, ready to be asked. */
export interface PolicyBook {
  /** Those that are not disabled, in their order. */
  readonly active: readonly RotationPolicyRow[];
  /** The first that fits, or null. */
  policyFor(key: KeyRow): RotationPolicyRow | null;
}

export async function readPolicies(workspace: WorkspaceStore): Promise<PolicyBook> {
  const active = (await workspace.rotationPolicies.all()).filter(({ state }) => state === 'active');
  const teams = await teamsOf(
    workspace,
    active.map(({ selector }) => selector),
  );
  return {
    active,
    policyFor: (key) => active.find(({ selector }) => selectorFits(selector, key, teams)) ?? null,
  };
}

/** The teams of applications, where any of the selectors asks for them. */
export async function teamsOf(
  workspace: WorkspaceStore,
  selectors: readonly KeySelector[],
): Promise<ReadonlyMap<string, string | null>> {
  const byTeam = selectors.some(({ teamIds }) => teamIds !== null);
  const applications = byTeam ? await workspace.applications.all() : [];
  return new Map(applications.map(({ id, teamId }) => [id, teamId]));
}

/** When the secret in use was made. */
export function secretSinceMs(key: KeyRow): number {
  return key.secrets.find(({ state }) => state === 'current')?.createdAtMs ?? key.createdAtMs;
}

/** When a policy wants a key's secret replaced; null: never. */
export function rotationDueMs(policy: RotationPolicyRow, key: KeyRow): number | null {
  return policy.intervalMs === null ? null : secretSinceMs(key) + policy.intervalMs;
}

/** Whether a key is in use, so that rules look at it: suspended and expired ones can wait. */
export function isLive(key: KeyRow, nowMs: number): boolean {
  return key.type === 'kwk' && key.state === 'active' && (key.expiresAtMs === null || key.expiresAtMs > nowMs);
}

/** Whether a key is among those that a rule or policy is for. */
export function selectorFits(
  { applicationIds, teamIds, tags, environment }: KeySelector,
  key: KeyRow,
  teams: ReadonlyMap<string, string | null>,
): boolean {
  const teamId = teams.get(key.applicationId) ?? null;
  if (applicationIds !== null && !applicationIds.includes(key.applicationId)) return false;
  if (teamIds !== null && (teamId === null || !teamIds.includes(teamId))) return false;
  if (tags !== null && !tags.some((tag) => key.tags.includes(tag))) return false;
  return environment === null || environment === key.environment;
}
