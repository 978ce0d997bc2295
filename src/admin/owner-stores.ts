/** Ports to those who stand behind keys, like the others in `stores.ts`: people, teams, and who is in which. */
import type { Narrowing, StandingState, TeamRole } from '../keys/owners.ts';
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
