import type { CompiledScopes } from './compiled-scopes.ts';
import { compileScopes } from './compiled-scopes.ts';
import type { Limits, Scopes } from './constraints.ts';
import type { DelegatedClaims } from './delegation-claims.ts';
import type { MintingPolicy } from './minting-policy.ts';
import { MINTING_DEFAULT } from './minting-policy.ts';
import type { ApplicationState, MembershipState, Narrowing, PersonState, TeamState, WorkspaceState } from './owners.ts';
import { entryOf } from './owners.ts';
import type { PreparedKey } from './prepare.ts';

/** What may narrow a call, from the inside out. */
export type LevelKind = 'delegated' | 'temporary' | 'key' | 'application' | 'team' | 'workspace';

/** One of the things that a call must fit into. It must fit into all of them. */
export interface Level {
  readonly kind: LevelKind;
  readonly id: string;
  readonly scopes: Scopes;
  readonly compiled: CompiledScopes;
  readonly scopesSetAtMs: number;
  readonly limits: Limits;
  /** From when on it is never asked again, where that cannot be moved: what it counted need not be kept. Null: never. */
  readonly endsAtMs: number | null;
}

/** A person who answers for a key. */
export interface Owner {
  readonly id: string;
  /** Null: there is nobody of that id. */
  readonly person: PersonState | null;
  /** In the application's team; null without one, or where the application has no team. */
  readonly membership: MembershipState | null;
}

/** Where a key stands: everybody and everything behind it. The same for every call under one configuration. */
export interface Standing {
  readonly key: PreparedKey;
  /** The keys it was minted from, nearest first. */
  readonly ancestors: readonly PreparedKey[];
  /** Null: there is none of that id. */
  readonly application: ApplicationState | null;
  readonly owners: readonly Owner[];
  /** The application's team; null where it has none, or names one that is not there. */
  readonly team: TeamState | null;
  readonly workspace: WorkspaceState | null;
  /** Innermost first. */
  readonly levels: readonly Level[];
}

/** Looks up everything behind a key. Pure; made once per key and configuration. */
export function standingOf(
  key: PreparedKey,
  ancestors: readonly PreparedKey[],
  workspace: WorkspaceState | null,
): Standing {
  const { record } = key;
  const application = workspace === null ? null : entryOf(workspace.applications, record.applicationId);
  const teamId = application?.teamId ?? null;
  const team = workspace === null || teamId === null ? null : entryOf(workspace.teams, teamId);
  const ownerIds = new Set([record.ownerId, application?.ownerId ?? null].filter((id) => id !== null));
  const owners = Array.from(ownerIds, (id) => ({
    id,
    person: workspace === null ? null : entryOf(workspace.people, id),
    membership: team === null ? null : entryOf(team.members, id),
  }));
  const levels: Level[] = [key, ...ancestors].map(keyLevel);
  // What narrows the calls of applications says nothing of the admin API.
  if (record.type === 'kwa') return { key, ancestors, application, owners, team, workspace, levels };
  if (application !== null) levels.push(levelOf('application', application.id, application));
  if (team !== null) levels.push(levelOf('team', team.id, team));
  if (workspace !== null) levels.push(levelOf('workspace', workspace.id, workspace));
  return { key, ancestors, application, owners, team, workspace, levels };
}

function keyLevel({ record, scopes, limits }: PreparedKey): Level {
  const kind = record.type === 'kwt' ? 'temporary' : 'key';
  const endsAtMs = kind === 'temporary' ? record.expiresAtMs : null;
  return levelOf(kind, record.kid, { scopes, scopesSetAtMs: record.scopesSetAtMs, limits }, endsAtMs);
}

/** What the holder of a key signed stands in front of it. */
export function withDelegated(standing: Standing, claims: DelegatedClaims): Standing {
  const { kid, jti, scopes, limits, issuedAtMs, expiresAtMs } = claims;
  const narrowing = { scopes, limits, scopesSetAtMs: issuedAtMs };
  return { ...standing, levels: [levelOf('delegated', `${kid}.${jti}`, narrowing, expiresAtMs), ...standing.levels] };
}

/** A delegated key as one of those that its key may have at a time. */
export function childOf({ kid, jti, limits, expiresAtMs }: DelegatedClaims, minting: MintingPolicy | null) {
  const { liveMax } = minting ?? MINTING_DEFAULT;
  return { parentKid: kid, id: jti, limits, endsAtMs: expiresAtMs, placesMax: liveMax };
}

/** A level of anything that narrows. */
export function levelOf(
  kind: LevelKind,
  id: string,
  { scopes, scopesSetAtMs, limits }: Narrowing,
  endsAtMs: number | null = null,
): Level {
  return { kind, id, scopes, compiled: compileScopes(scopes), scopesSetAtMs, limits, endsAtMs };
}
