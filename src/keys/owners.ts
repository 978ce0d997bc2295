/**
 * Who stands behind a key: application, people, team, workspace, as a snapshot knows them. These are
 * the forms that the checks need; a snapshot's own values have them. Values are never changed in
 * place.
 */
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import type { Limits, Scopes } from './constraints.ts';

export type StandingState = 'active' | 'disabled';

/** What narrows everything beneath. */
export interface Narrowing {
  readonly scopes: Scopes;
  /** Unix milliseconds when the scopes were set. */
  readonly scopesSetAtMs: number;
  readonly limits: Limits;
}

/** What nothing narrows. */
export const UNNARROWED: Narrowing = { scopes: NO_SCOPES, scopesSetAtMs: 0, limits: NO_LIMITS };

export type SubscriptionKind = 'model' | 'service';
export type SubscriptionStateName = 'pending' | 'approved' | 'rejected' | 'ended';

/** What an application asked to call. */
export interface SubscriptionState {
  readonly id: string;
  readonly kind: SubscriptionKind;
  /** One pattern over `provider/name` and aliases, or one name of a service. */
  readonly names: readonly string[];
  readonly state: SubscriptionStateName;
}

export interface ApplicationState extends Narrowing {
  readonly id: string;
  readonly state: StandingState;
  /** The person who answers for it; null: nobody in particular. */
  readonly ownerId: string | null;
  /** The team it belongs to; null: to the workspace as a whole. */
  readonly teamId: string | null;
  /** Patterns over `provider/name` and aliases. */
  readonly subscribedModels: readonly string[];
  /** Names of services. */
  readonly subscribedServices: readonly string[];
  /** Beside the lists: what was asked for, the one that changed last first. Absent: nothing. */
  readonly subscriptions?: readonly SubscriptionState[];
}

/** A person who is not there any more has no entry. */
export interface PersonState {
  readonly id: string;
  readonly state: StandingState;
}

/** What a person is in a team. Viewers may look, and answer for no key. */
export type TeamRole = 'admin' | 'member' | 'viewer';

export interface MembershipState {
  readonly role: TeamRole;
  readonly state: StandingState;
}

export interface TeamState extends Narrowing {
  readonly id: string;
  readonly state: StandingState;
  /** By the person's id. */
  readonly members: Readonly<Record<string, MembershipState>>;
}

export interface WorkspaceState extends Narrowing {
  readonly id: string;
  readonly state: StandingState;
  readonly applications: Readonly<Record<string, ApplicationState>>;
  readonly people: Readonly<Record<string, PersonState>>;
  readonly teams: Readonly<Record<string, TeamState>>;
}

/** The entry of that id: names that every object inherits are none. */
export function entryOf<T>(entries: Readonly<Record<string, T>>, id: string): T | null {
  return Object.hasOwn(entries, id) ? (entries[id] ?? null) : null;
}
