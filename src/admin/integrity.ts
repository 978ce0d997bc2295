/** Records that do not fit together: what is wrong with each, and what puts it right. Nothing here changes anything. */
import { readLimits, readScopes } from '../keys/constraints.ts';
import type { Narrowing } from '../keys/owners.ts';
import { eachKey } from './key-walk.ts';
import type { MembershipRow } from './owner-stores.ts';
import type { ApplicationRow, KeyRow, WorkspaceStore } from './stores.ts';

export const FINDING_KINDS = [
  'key-without-application',
  'key-owner-missing',
  'key-constraints-unreadable',
  'application-owner-missing',
  'application-team-missing',
  'application-constraints-unreadable',
  'team-constraints-unreadable',
  'workspace-constraints-unreadable',
  'membership-of-nobody',
  'membership-in-no-team',
] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** A kid, an id, or `team/person`. */
  readonly targetId: string;
  /** A sentence: what is wrong. */
  readonly detail: string;
}

/** What is there, to hold references against. */
export interface Present {
  readonly applications: ReadonlySet<string>;
  readonly people: ReadonlySet<string>;
  readonly teams: ReadonlySet<string>;
}

export async function readPresent(workspace: WorkspaceStore): Promise<Present> {
  const idsOf = (rows: readonly { readonly id: string }[]) => new Set(rows.map(({ id }) => id));
  return {
    applications: idsOf(await workspace.applications.all()),
    people: idsOf(await workspace.people.all()),
    teams: idsOf(await workspace.teams.all()),
  };
}

/** Goes through everything of a workspace. */
export async function* eachFinding(workspace: WorkspaceStore): AsyncGenerator<Finding> {
  const present = await readPresent(workspace);
  const row = await workspace.deployment.get(workspace.workspaceId);
  if (row !== null) yield* narrowingFindings('workspace-constraints-unreadable', row.id, row);
  for (const team of await workspace.teams.all()) {
    yield* narrowingFindings('team-constraints-unreadable', team.id, team);
  }
  for (const application of await workspace.applications.all()) yield* applicationFindings(application, present);
  for (const membership of await workspace.memberships.all()) yield* membershipFindings(membership, present);
  for await (const rows of eachKey(workspace, { kind: 'all' })) {
    for (const key of rows) yield* keyFindings(key, present);
  }
}

/** A key that is gone for good needs no repair. */
export function keyFindings(row: KeyRow, { applications, people }: Present): readonly Finding[] {
  if (row.state === 'revoked' || row.state === 'compromised') return [];
  const findings: Finding[] = [...narrowingFindings('key-constraints-unreadable', row.kid, row)];
  if (!applications.has(row.applicationId)) {
    const detail = `The key ${row.kid} belongs to the application ${row.applicationId}, which is not there.`;
    findings.push({ kind: 'key-without-application', targetId: row.kid, detail });
  }
  if (row.ownerId !== null && !people.has(row.ownerId)) {
    const detail = `The owner of the key ${row.kid}, ${row.ownerId}, is not there.`;
    findings.push({ kind: 'key-owner-missing', targetId: row.kid, detail });
  }
  return findings;
}

export function applicationFindings(row: ApplicationRow, { people, teams }: Present): readonly Finding[] {
  const findings: Finding[] = [...narrowingFindings('application-constraints-unreadable', row.id, row)];
  if (row.ownerId !== null && !people.has(row.ownerId)) {
    const detail = `The owner of the application ${row.id}, ${row.ownerId}, is not there.`;
    findings.push({ kind: 'application-owner-missing', targetId: row.id, detail });
  }
  if (row.teamId !== null && !teams.has(row.teamId)) {
    const detail = `The application ${row.id} belongs to the team ${row.teamId}, which is not there.`;
    findings.push({ kind: 'application-team-missing', targetId: row.id, detail });
  }
  return findings;
}

export function membershipFindings({ teamId, personId }: MembershipRow, present: Present): readonly Finding[] {
  const targetId = `${teamId}/${personId}`;
  const findings: Finding[] = [];
  if (!present.people.has(personId)) {
    const detail = `${personId}, who is a member of the team ${teamId}, is not there.`;
    findings.push({ kind: 'membership-of-nobody', targetId, detail });
  }
  if (!present.teams.has(teamId)) {
    const detail = `The team ${teamId}, which ${personId} is a member of, is not there.`;
    findings.push({ kind: 'membership-in-no-team', targetId, detail });
  }
  return findings;
}

export function narrowingFindings(kind: FindingKind, targetId: string, row: Narrowing): readonly Finding[] {
  const scopes = readScopes(row.scopes);
  const limits = readLimits(row.limits);
  if (scopes.ok && limits.ok) return [];
  const reason = scopes.ok ? (limits.ok ? '' : limits.reason) : scopes.reason;
  return [{ kind, targetId, detail: `The scopes or limits of ${targetId} cannot be read: ${reason}.` }];
}
