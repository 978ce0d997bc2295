/** Ports to those who stand behind keys, like the others in `stores.ts`: people, teams, and who is in which. */
import type { Narrowing, StandingState, SubscriptionKind, SubscriptionStateName, TeamRole } from '../keys/owners.ts';
import type { Deletable, DeletedFilter, Page, PageRequest } from './stores.ts';

export interface PersonRow extends Deletable {
  readonly id: string;
  readonly name: string;
  /** Lower case; unique among those who are there. */
  readonly email: string | null;
  readonly state: StandingState;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface PersonStore {
  insert(row: PersonRow): Promise<void>;
  get(id: string): Promise<PersonRow | null>;
  find(id: string): Promise<PersonRow | null>;
  byEmail(email: string): Promise<PersonRow | null>;
  list(page: PageRequest, filter: DeletedFilter): Promise<Page<PersonRow>>;
  /** Everybody who is there: for the snapshot. */
  all(): Promise<readonly PersonRow[]>;
  update(id: string, patch: Partial<Omit<PersonRow, 'id' | 'createdAtMs'>>): Promise<void>;
}

export interface TeamRow extends Narrowing, Deletable {
  readonly id: string;
  readonly name: string;
  readonly state: StandingState;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface TeamStore {
  insert(row: TeamRow): Promise<void>;
  get(id: string): Promise<TeamRow | null>;
  find(id: string): Promise<TeamRow | null>;
  list(page: PageRequest, filter: DeletedFilter): Promise<Page<TeamRow>>;
  all(): Promise<readonly TeamRow[]>;
  update(id: string, patch: Partial<Omit<TeamRow, 'id' | 'createdAtMs'>>): Promise<void>;
}

export interface MembershipRow extends Deletable {
  readonly teamId: string;
  readonly personId: string;
  readonly role: TeamRole;
  readonly state: StandingState;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface MembershipStore {
  insert(row: MembershipRow): Promise<void>;
  get(teamId: string, personId: string): Promise<MembershipRow | null>;
  find(teamId: string, personId: string): Promise<MembershipRow | null>;
  list(teamId: string, page: PageRequest, filter: DeletedFilter): Promise<Page<MembershipRow>>;
  all(): Promise<readonly MembershipRow[]>;
  update(
    teamId: string,
    personId: string,
    patch: Partial<Pick<MembershipRow, 'role' | 'state' | 'updatedAtMs' | 'deletedAtMs'>>,
  ): Promise<void>;
}

/** What an application asked to call: one row for each model pattern or service, whatever became of it. */
export interface SubscriptionRow {
  readonly id: string;
  readonly applicationId: string;
  readonly kind: SubscriptionKind;
  readonly name: string;
  readonly state: SubscriptionStateName;
  readonly stateReason: string | null;
  readonly requestedBy: string;
  /** Who said yes or no, or ended it; null while it is pending. */
  readonly decidedBy: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface SubscriptionStore {
  insert(row: SubscriptionRow): Promise<void>;
  get(id: string): Promise<SubscriptionRow | null>;
  /** The one that changed last first. Their number is bounded by whoever inserts. */
  ofApplication(applicationId: string): Promise<readonly SubscriptionRow[]>;
  /** Of all applications, in the same order: for the snapshot. */
  all(): Promise<readonly SubscriptionRow[]>;
  list(
    page: PageRequest,
    filter: { readonly applicationId?: string; readonly state?: SubscriptionRow['state'] },
  ): Promise<Page<SubscriptionRow>>;
  update(
    id: string,
    patch: Pick<SubscriptionRow, 'state' | 'stateReason' | 'decidedBy' | 'updatedAtMs'>,
  ): Promise<void>;
}
