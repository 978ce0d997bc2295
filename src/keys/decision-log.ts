/**
 * What a refusal was decided on, as compact JSON that goes into the record of the call and is read
 * back to explain or repeat the decision. It holds no secret and no hash of one, and of the
 * workspace only the application, the people and the team that the key stands on.
 */
import type { Limits, Scopes } from './constraints.ts';
import { NO_LIMITS, NO_SCOPES, readLimits, readScopes } from './constraints.ts';
import { NO_FACTS } from './decision-input.ts';
import type {
  DecisionInput,
  DelegationFinding,
  LimitReading,
  PermissionFinding,
  RequestFacts,
} from './decision-input.ts';
import type { KeyRecord, KeySecret } from './key-record.ts';
import type { ApplicationState, MembershipState, Narrowing, PersonState, StandingState } from './owners.ts';
import type { PreparedKey } from './prepare.ts';
import { prepareKey } from './prepare.ts';
import { redactKeys } from './redact-keys.ts';
import { shorten, SHORTENINGS } from './shorten.ts';
import { levelOf, standingOf } from './standing.ts';
import type { Level, Standing } from './standing.ts';

/** Bytes of one decision at most; a usual one has a thousand. */
export const DECISION_BYTES_MAX = 16_384;

const VERSION = 1;

export type ReadDecision =
  /** `whole` false: something was cut out, so the decision cannot be repeated as it was. */
  | { readonly ok: true; readonly input: DecisionInput; readonly whole: boolean }
  /** `reason` completes "the decision cannot be shown because …". */
  | { readonly ok: false; readonly reason: string };

interface LoggedDecision {
  readonly v: typeof VERSION;
  /** Lists or texts were cut, or a key was taken out of them. */
  readonly cut?: true;
  readonly nowMs: number | null;
  readonly facts: RequestFacts;
  readonly matchedSecret: LoggedSecret | null;
  readonly expectedEnvironment: DecisionInput['expectedEnvironment'];
  readonly delegation: DelegationFinding | null;
  readonly permission?: PermissionFinding;
  readonly limits: readonly LimitReading[] | null;
  readonly key: LoggedKey;
  readonly ancestors: readonly LoggedKey[];
  readonly workspace: LoggedWorkspace | null;
  /** What a token that was signed offline narrows. */
  readonly delegated: readonly (LoggedNarrowing & { readonly id: string })[];
}

type LoggedSecret = Omit<KeySecret, 'hash'>;
type LoggedKey = Omit<KeyRecord, 'secrets' | 'scopes' | 'limits' | 'minting'> & {
  readonly secrets: readonly LoggedSecret[];
  readonly scopes: unknown;
  readonly limits: unknown;
};

interface LoggedNarrowing {
  readonly scopes: Partial<Scopes>;
  readonly scopesSetAtMs: number;
  readonly limits: Partial<Limits>;
}

interface LoggedWorkspace extends LoggedNarrowing {
  readonly id: string;
  readonly state: StandingState;
  readonly application: (Omit<ApplicationState, keyof Narrowing> & LoggedNarrowing) | null;
  readonly people: readonly (readonly [id: string, person: PersonState])[];
  readonly team: LoggedTeam | null;
}

interface LoggedTeam extends LoggedNarrowing {
  readonly id: string;
  readonly state: StandingState;
  readonly members: readonly (readonly [id: string, member: MembershipState])[];
}

/** The decision as JSON of at most {@link DECISION_BYTES_MAX} bytes. */
export function writeDecision(input: DecisionInput): string {
  const logged = logOf(input);
  const json = JSON.stringify(logged);
  const clean = redactKeys(json);
  if (clean === json && fits(json)) return json;
  for (const shortening of SHORTENINGS) {
    const shorter = redactKeys(JSON.stringify({ ...asFields(shorten(logged, shortening)), cut: true }));
    if (fits(shorter)) return shorter;
  }
  return JSON.stringify({ v: VERSION, cut: true });
}

/** Reads what {@link writeDecision} wrote, of this version of the form. */
export function readDecision(json: string): ReadDecision {
  try {
    const parsed: unknown = JSON.parse(json);
    const { v, cut, key } = asFields(parsed);
    if (v !== VERSION) return { ok: false, reason: 'it was written by another version of this program' };
    if (key === undefined) return { ok: false, reason: 'it was too long to be kept' };
    // Just parsed, and written by the function above under the same version.
    return { ok: true, input: inputOf(parsed as LoggedDecision), whole: cut !== true };
  } catch {
    return { ok: false, reason: 'its record is damaged' };
  }
}

function fits(json: string): boolean {
  return json.length <= DECISION_BYTES_MAX && new TextEncoder().encode(json).length <= DECISION_BYTES_MAX;
}

function logOf({ standing, matchedSecret, ...rest }: DecisionInput): LoggedDecision {
  return {
    v: VERSION,
    nowMs: rest.nowMs,
    facts: rest.facts,
    matchedSecret: matchedSecret && withoutHash(matchedSecret),
    expectedEnvironment: rest.expectedEnvironment,
    delegation: rest.delegation,
    ...(rest.permission === undefined ? {} : { permission: rest.permission }),
    limits: rest.limits,
    key: logKey(standing.key),
    ancestors: standing.ancestors.map(logKey),
    workspace: logWorkspace(standing),
    delegated: delegatedLevels(standing).map((level) => ({ id: level.id, ...logNarrowing(level) })),
  };
}

function withoutHash({ hash: _hash, ...secret }: KeySecret): LoggedSecret {
  return secret;
}

/** Member by member: what a record is given later must not get here unseen. */
function logKey({ record }: PreparedKey): LoggedKey {
  return {
    kid: record.kid,
    type: record.type,
    parentKid: record.parentKid,
    binding: record.binding,
    workspaceId: record.workspaceId,
    applicationId: record.applicationId,
    ownerId: record.ownerId,
    environment: record.environment,
    state: record.state,
    suspension: record.suspension,
    secrets: record.secrets.map(withoutHash),
    notBeforeMs: record.notBeforeMs,
    expiresAtMs: record.expiresAtMs,
    // As stored, also where they cannot be understood: that is a reason, too.
    scopes: withoutNothing(record.scopes, NO_SCOPES),
    scopesSetAtMs: record.scopesSetAtMs,
    limits: withoutNothing(record.limits, NO_LIMITS),
    // What a delegated key itself says was judged before: only whether the key is accepted at all counts here.
    delegation: record.delegation && {
      ...{ ...record.delegation, publicKeys: [], groupWatermarks: {}, deniedJti: {} },
    },
    revision: record.revision,
  };
}

/** Members that narrow nothing are left out. */
function withoutNothing(constraints: unknown, nothing: object): unknown {
  if (typeof constraints !== 'object' || constraints === null || Array.isArray(constraints)) return constraints;
  const kept = Object.entries(constraints).filter(([name, value]) => value !== null || !Object.hasOwn(nothing, name));
  return Object.fromEntries(kept);
}

function logNarrowing({ scopes, scopesSetAtMs, limits }: Narrowing): LoggedNarrowing {
  return {
    scopes: asFields(withoutNothing(scopes, NO_SCOPES)),
    scopesSetAtMs,
    limits: asFields(withoutNothing(limits, NO_LIMITS)),
  };
}

function logWorkspace({ workspace, application, owners, team }: Standing): LoggedWorkspace | null {
  if (workspace === null) return null;
  const people = owners.flatMap(({ id, person }) => (person === null ? [] : [[id, person] as const]));
  return {
    id: workspace.id,
    state: workspace.state,
    ...logNarrowing(workspace),
    ...logApplication(application),
    people,
    ...logTeam(team, owners),
  };
}

function logApplication(application: ApplicationState | null): Pick<LoggedWorkspace, 'application'> {
  if (application === null) return { application };
  const { id, state, ownerId, teamId, subscribedModels, subscribedServices, subscriptions } = application;
  const own = { id, state, ownerId, teamId, subscribedModels, subscribedServices };
  const asked = subscriptions === undefined ? {} : { subscriptions };
  return { application: { ...own, ...asked, ...logNarrowing(application) } };
}

function logTeam(team: Standing['team'], owners: Standing['owners']): Pick<LoggedWorkspace, 'team'> {
  if (team === null) return { team };
  const members = owners.flatMap(({ id, membership }) => (membership === null ? [] : [[id, membership] as const]));
  return { team: { id: team.id, state: team.state, members, ...logNarrowing(team) } };
}

function delegatedLevels({ levels }: Standing): readonly Level[] {
  return levels.filter(({ kind }) => kind === 'delegated');
}

function inputOf(logged: LoggedDecision): DecisionInput {
  const { matchedSecret, facts, expectedEnvironment, delegation, permission, limits, nowMs } = logged;
  const key = prepareKey(keyOf(logged.key));
  const standing = standingOf(key, logged.ancestors.map(keyOf).map(prepareKey), workspaceOf(logged));
  const front = logged.delegated.map((level) =>
    levelOf('delegated', level.id, narrowingOf(level), delegation?.expiresAtMs ?? null),
  );
  return {
    standing: { ...standing, levels: [...front, ...standing.levels] },
    matchedSecret: matchedSecret && { ...matchedSecret, hash: '' },
    ...{ facts: { ...NO_FACTS, ...facts }, expectedEnvironment, delegation, limits },
    ...(permission === undefined ? {} : { permission }),
    // What JSON has no number for.
    nowMs: nowMs ?? Number.NaN,
  };
}

function keyOf({ secrets, scopes, limits, ...same }: LoggedKey): KeyRecord {
  const readableScopes = readScopes(scopes);
  const readableLimits = readLimits(limits);
  return {
    ...same,
    secrets: secrets.map((secret) => ({ ...secret, hash: '' })),
    // What cannot be understood goes on as it is: whoever prepares the key says why.
    scopes: readableScopes.ok ? readableScopes.value : (scopes as Scopes),
    limits: readableLimits.ok ? readableLimits.value : (limits as Limits),
    // No decision asks for it.
    minting: null,
  };
}

function narrowingOf({ scopes, scopesSetAtMs, limits }: LoggedNarrowing): Narrowing {
  return { scopes: { ...NO_SCOPES, ...scopes }, scopesSetAtMs, limits: { ...NO_LIMITS, ...limits } };
}

function workspaceOf({ workspace, key: { applicationId } }: LoggedDecision) {
  if (workspace === null) return null;
  const { id, state, application, people, team } = workspace;
  return {
    ...{ id, state },
    applications: application === null ? {} : { [applicationId]: { ...application, ...narrowingOf(application) } },
    people: Object.fromEntries(people),
    teams:
      team === null
        ? {}
        : {
            [application?.teamId ?? team.id]: {
              ...team,
              members: Object.fromEntries(team.members),
              ...narrowingOf(team),
            },
          },
    ...narrowingOf(workspace),
  };
}

function asFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
