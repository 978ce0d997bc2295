/** Keys and what stands behind them, for tests. */
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import type { KeyRecord, KeySecret } from './key-record.ts';
import { UNNARROWED } from './owners.ts';
import type { ApplicationState, TeamState, WorkspaceState } from './owners.ts';

export const SECRET: KeySecret = { hash: 'h'.repeat(32), pepperVersion: 1, state: 'current', notAfterMs: null };

/** An active key of `app_1` in `ws_1` that nothing narrows. */
export function keyRecord(change: Partial<KeyRecord> = {}): KeyRecord {
  return {
    kid: 'abcdefghijkl',
    type: 'kwk',
    parentKid: null,
    binding: null,
    workspaceId: 'ws_1',
    applicationId: 'app_1',
    ownerId: null,
    environment: 'live',
    state: 'active',
    suspension: null,
    secrets: [SECRET],
    notBeforeMs: null,
    expiresAtMs: null,
    scopes: NO_SCOPES,
    scopesSetAtMs: 0,
    limits: NO_LIMITS,
    delegation: null,
    minting: null,
    revision: 1,
    ...change,
  };
}

/** An application that is subscribed to every model. */
export function applicationState(change: Partial<ApplicationState> = {}): ApplicationState {
  return {
    id: 'app_1',
    state: 'active',
    ownerId: null,
    teamId: null,
    subscribedModels: ['*'],
    subscribedServices: [],
    ...UNNARROWED,
    ...change,
  };
}

export function teamState(change: Partial<TeamState> = {}): TeamState {
  return { id: 'team_1', state: 'active', members: {}, ...UNNARROWED, ...change };
}

/** A workspace with the one application. */
export function workspaceState(change: Partial<WorkspaceState> = {}): WorkspaceState {
  return {
    id: 'ws_1',
    state: 'active',
    applications: { app_1: applicationState() },
    people: {},
    teams: {},
    ...UNNARROWED,
    ...change,
  };
}
