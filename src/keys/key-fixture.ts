/** Keys and what stands behind them, for tests. */
import { BLANK_KEY } from './blank-key.ts';
import type { KeyRecord, KeySecret } from './key-record.ts';
import { UNNARROWED } from './owners.ts';
import type { ApplicationState, TeamState, WorkspaceState } from './owners.ts';

export const SECRET: KeySecret = { hash: 'h'.repeat(32), pepperVersion: 1, state: 'current', notAfterMs: null };

/** An active key of `app_1` in `ws_1` that nothing narrows. */
export function keyRecord(change: Partial<KeyRecord> = {}): KeyRecord {
  const known = { kid: 'abcdefghijkl', workspaceId: 'ws_1', applicationId: 'app_1', secrets: [SECRET], revision: 1 };
  return { ...BLANK_KEY, ...known, ...change };
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
