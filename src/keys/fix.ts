/**
 * What would make a refused call pass, in a form that a program can carry out or try out. `applyFix`
 * answers "and then?": it changes nothing but the input of a decision.
 */
import type { Environment, KeyRecord } from './key-record.ts';
import type { Scopes } from './constraints.ts';
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import type { DecisionInput } from './decision-input.ts';
import { UNNARROWED } from './owners.ts';
import type { ApplicationState, Narrowing, TeamState, WorkspaceState } from './owners.ts';
import { prepareKey } from './prepare.ts';
import type { PreparedKey } from './prepare.ts';
import type { Level, LevelKind, Standing } from './standing.ts';
import { levelOf, standingOf } from './standing.ts';

export type Fix =
  /** The caller sends the secret that the key has now. */
  | { readonly kind: 'send-current-secret' }
  | { readonly kind: 'use-environment'; readonly environment: Environment }
  | { readonly kind: 'resume-key'; readonly kid: string }
  /** A new key with the same owner, scopes and limits takes its place. */
  | { readonly kind: 'replace-key'; readonly kid: string }
  | { readonly kind: 'move-expiry'; readonly kid: string }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'sign-new-token' }
  /** Makes it active, or puts it back where it is not there any more. */
  | { readonly kind: 'enable'; readonly what: EnableKind; readonly id: string }
  | { readonly kind: 'subscribe'; readonly to: 'model' | 'service'; readonly name: string }
  | { readonly kind: 'approve-subscription'; readonly id: string }
  | { readonly kind: 'clear-constraints'; readonly kid: string }
  /** `add` null: the scope is lifted, as no single entry would do. */
  | {
      readonly kind: 'widen-scope';
      readonly level: LevelKind;
      readonly levelId: string;
      readonly scope: keyof Scopes;
      readonly add: string | null;
    }
  | {
      readonly kind: 'raise-limit';
      readonly level: LevelKind;
      readonly levelId: string;
      readonly name: string;
      readonly to: number;
    }
  | { readonly kind: 'name-session'; readonly session: string }
  | { readonly kind: 'grant-permissions'; readonly kid: string; readonly permissions: readonly string[] };

export type EnableKind = 'application' | 'person' | 'membership' | 'team' | 'workspace';

/** The input as it would be once the fix was made. */
export function applyFix(input: DecisionInput, fix: Fix): DecisionInput {
  const { standing } = input;
  switch (fix.kind) {
    case 'send-current-secret':
      return { ...input, matchedSecret: standing.key.record.secrets.find(({ state }) => state === 'current') ?? null };
    case 'use-environment':
      return { ...input, expectedEnvironment: fix.environment };
    case 'resume-key':
      return withKeys(input, fix.kid, (record) => ({ ...record, state: 'active', suspension: null }));
    case 'replace-key':
      return withNewKey(withKeys(input, fix.kid, renewed));
    case 'move-expiry':
      return withKeys(input, fix.kid, (record) => ({ ...record, expiresAtMs: null }));
    case 'wait':
      return { ...input, nowMs: Math.max(input.nowMs, fix.untilMs), limits: after(input, fix.untilMs) };
    case 'sign-new-token':
      return { ...input, delegation: input.delegation && { ...input.delegation, code: null } };
    case 'enable':
      return withWorkspace(input, enabled(input, fix.what, fix.id));
    case 'subscribe':
      return withWorkspace(input, subscribed(input, fix.to, fix.name));
    case 'approve-subscription':
      return withWorkspace(input, approved(input, fix.id));
    case 'clear-constraints':
      return withKeys(input, fix.kid, (record) => ({ ...record, scopes: NO_SCOPES, limits: NO_LIMITS }));
    case 'widen-scope':
      return widened(input, fix);
    case 'raise-limit':
      return raised(input, fix);
    case 'name-session':
      return { ...input, facts: { ...input.facts, session: fix.session } };
    case 'grant-permissions':
      return { ...input, permission: { needed: input.permission?.needed ?? [], missing: [] } };
  }
}

function renewed(record: KeyRecord): KeyRecord {
  return {
    ...record,
    type: record.type === 'kwa' ? 'kwa' : 'kwk',
    parentKid: null,
    state: 'active',
    suspension: null,
    notBeforeMs: null,
    expiresAtMs: null,
  };
}

function withKeys(input: DecisionInput, kid: string, change: (record: KeyRecord) => KeyRecord): DecisionInput {
  const { standing } = input;
  const changed = (key: PreparedKey): PreparedKey => (key.record.kid === kid ? prepareKey(change(key.record)) : key);
  return restand(input, changed(standing.key), standing.ancestors.map(changed), standing.workspace);
}

/** A key that was replaced by one of its own standing has no ancestors any more. */
function withNewKey(input: DecisionInput): DecisionInput {
  const { key, ancestors, workspace } = input.standing;
  return restand(input, key, key.record.parentKid === null ? [] : upToOwnStanding(ancestors), workspace);
}

function upToOwnStanding(ancestors: readonly PreparedKey[]): readonly PreparedKey[] {
  const last = ancestors.findIndex(({ record }) => record.parentKid === null);
  return last === -1 ? ancestors : ancestors.slice(0, last + 1);
}

function withWorkspace(input: DecisionInput, workspace: WorkspaceState): DecisionInput {
  return restand(input, input.standing.key, input.standing.ancestors, workspace);
}

/** Levels in front of the key's own (a token that was signed offline) stay. */
function restand(
  input: DecisionInput,
  key: PreparedKey,
  ancestors: readonly PreparedKey[],
  workspace: WorkspaceState | null,
): DecisionInput {
  const standing = standingOf(key, ancestors, workspace);
  const front = input.standing.levels.filter(({ kind }) => kind === 'delegated');
  return {
    ...input,
    standing: front.length === 0 ? standing : { ...standing, levels: [...front, ...standing.levels] },
  };
}

/** What the limits would read at that time: what waits no longer has room. */
function after(input: DecisionInput, untilMs: number): DecisionInput['limits'] {
  const waitedMs = untilMs - input.nowMs;
  return (
    input.limits?.map((reading) =>
      reading.retryAfterMs === null || reading.retryAfterMs > waitedMs
        ? reading
        : { ...reading, used: Math.min(reading.used, Math.max(0, reading.limit - reading.needed)), retryAfterMs: 0 },
    ) ?? null
  );
}

function raised(input: DecisionInput, fix: Extract<Fix, { kind: 'raise-limit' }>): DecisionInput {
  const { level, levelId, name, to } = fix;
  // Of the limits only this one is not read from counters.
  if (name === 'requestBytesMax') {
    const wider = <T extends Narrowing>(narrow: T): T => ({ ...narrow, limits: { ...narrow.limits, [name]: to } });
    return withNarrowing(input, level, levelId, wider);
  }
  const limits = input.limits?.map((reading) =>
    reading.level === level && reading.levelId === levelId && reading.name === name
      ? { ...reading, limit: Math.max(reading.limit, to) }
      : reading,
  );
  return { ...input, limits: limits ?? null };
}

function workspaceOf({ standing }: DecisionInput): WorkspaceState {
  const { workspace, key } = standing;
  return (
    workspace ?? { id: key.record.workspaceId, state: 'active', applications: {}, people: {}, teams: {}, ...UNNARROWED }
  );
}

function applicationOf({ standing }: DecisionInput): ApplicationState {
  return (
    standing.application ?? {
      id: standing.key.record.applicationId,
      state: 'active',
      ownerId: null,
      teamId: null,
      subscribedModels: [],
      subscribedServices: [],
      ...UNNARROWED,
    }
  );
}

function enabled(input: DecisionInput, what: EnableKind, id: string): WorkspaceState {
  const workspace = workspaceOf(input);
  const teamId = input.standing.application?.teamId ?? '';
  const team: TeamState = input.standing.team ?? { id: teamId, state: 'active', members: {}, ...UNNARROWED };
  switch (what) {
    case 'workspace':
      return { ...workspace, id, state: 'active' };
    case 'application':
      return withApplication(workspace, { ...applicationOf(input), state: 'active' });
    case 'person':
      return { ...workspace, people: { ...workspace.people, [id]: { id, state: 'active' } } };
    case 'team':
      return withTeam(workspace, { ...team, state: 'active' });
    case 'membership':
      return withTeam(workspace, { ...team, members: { ...team.members, [id]: { role: 'member', state: 'active' } } });
  }
}

function withApplication(workspace: WorkspaceState, application: ApplicationState): WorkspaceState {
  return { ...workspace, applications: { ...workspace.applications, [application.id]: application } };
}

function withTeam(workspace: WorkspaceState, team: TeamState): WorkspaceState {
  return { ...workspace, teams: { ...workspace.teams, [team.id]: team } };
}

function subscribed(input: DecisionInput, to: 'model' | 'service', name: string): WorkspaceState {
  const application = applicationOf(input);
  const { subscribedModels, subscribedServices } = application;
  return withApplication(workspaceOf(input), {
    ...application,
    subscribedModels: to === 'model' ? [...subscribedModels, name] : subscribedModels,
    subscribedServices: to === 'service' ? [...subscribedServices, name] : subscribedServices,
  });
}

function approved(input: DecisionInput, id: string): WorkspaceState {
  const application = applicationOf(input);
  const subscriptions = (application.subscriptions ?? []).map((each) =>
    each.id === id ? ({ ...each, state: 'approved' } as const) : each,
  );
  return withApplication(workspaceOf(input), { ...application, subscriptions });
}

function widened(input: DecisionInput, fix: Extract<Fix, { kind: 'widen-scope' }>): DecisionInput {
  const { level, levelId, scope, add } = fix;
  const wider = <T extends Narrowing>(narrow: T): T => ({ ...narrow, scopes: widen(narrow.scopes, scope, add) });
  return withNarrowing(input, level, levelId, wider);
}

/** Another narrowing of one level. */
function withNarrowing(
  input: DecisionInput,
  level: LevelKind,
  levelId: string,
  change: <T extends Narrowing>(narrow: T) => T,
): DecisionInput {
  const { application, team, workspace } = input.standing;
  switch (level) {
    case 'delegated':
      return { ...input, standing: withFront(input.standing, (each) => levelOf(each.kind, each.id, change(each))) };
    case 'temporary':
    case 'key':
      return withKeys(input, levelId, change);
    case 'application':
      return application === null
        ? input
        : withWorkspace(input, withApplication(workspaceOf(input), change(application)));
    case 'team':
      return team === null ? input : withWorkspace(input, withTeam(workspaceOf(input), change(team)));
    case 'workspace':
      return workspace === null ? input : withWorkspace(input, change(workspace));
  }
}

function withFront(standing: Standing, change: (level: Level) => Level): Standing {
  return { ...standing, levels: standing.levels.map((each) => (each.kind === 'delegated' ? change(each) : each)) };
}

function widen(scopes: Scopes, scope: keyof Scopes, add: string | null): Scopes {
  const entries = scopes[scope];
  if (add === null || entries === null || scope === 'timeWindows') return { ...scopes, [scope]: null };
  return { ...scopes, [scope]: [...entries, add] };
}
