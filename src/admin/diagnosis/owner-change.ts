/** What may be changed of whoever stands behind a key: each choice through the resource that owns it. */
import { recordChange } from '../change.ts';
import type { Change } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { update as updateApplication } from '../resources/applications.ts';
import { update as updateKey } from '../resources/keys.ts';
import { add as addMember, update as updateMember } from '../resources/members.ts';
import { create as createPerson, restore as restorePerson, update as updatePerson } from '../resources/people.ts';
import type { ApplicationRow, KeyRow } from '../stores.ts';
import { invalidField } from '../validation.ts';

export const OWNER_CHOICES = [
  'reassign',
  'enable-application',
  'update-person',
  'enable-person',
  'restore-person',
  'create-person',
  'join-team',
] as const;

export interface OwnerChoice {
  readonly choice: (typeof OWNER_CHOICES)[number];
  readonly applicationId?: string;
  readonly ownerId?: string | null;
  readonly personId?: string;
  readonly name?: string;
  readonly email?: string | null;
}

type ChangeOwner = (tx: CallContext, row: KeyRow, choice: OwnerChoice) => Promise<Change<unknown>>;

/** Nobody asks these changes for a list of keys: the case is about one. */
const QUERY = { preview: false, limit: 1, strict: false } as const;

/** A further choice is a further row. */
const CHANGES: Readonly<Record<OwnerChoice['choice'], ChangeOwner>> = {
  reassign: (tx, row, choice) => reassign(tx, row, reassignment(choice)),
  'enable-application': (tx, row) => {
    const input = { params: { id: row.applicationId }, query: QUERY, body: { state: 'active' as const } };
    const audited = { action: updateApplication.id, targetKind: 'application' };
    return recordChange(tx, audited, (ctx) => updateApplication.change(ctx, input));
  },
  'update-person': (tx, _row, choice) => changePerson(tx, choice, detailsOf(choice)),
  'enable-person': (tx, _row, choice) => changePerson(tx, choice, { state: 'active' }),
  'restore-person': (tx, _row, choice) => {
    const input = { params: { id: personOf(choice) }, query: QUERY, body: {} };
    const audited = { action: restorePerson.id, targetKind: 'person' };
    return recordChange(tx, audited, (ctx) => restorePerson.change(ctx, input));
  },
  'create-person': createOwner,
  'join-team': joinTeam,
};

/** Inside a transaction; the change has an audit entry of its own. */
export function changeOwner(tx: CallContext, row: KeyRow, choice: OwnerChoice): Promise<Change<unknown>> {
  return CHANGES[choice.choice](tx, row, choice);
}

function reassign(
  tx: CallContext,
  { kid }: KeyRow,
  body: { readonly applicationId?: string; readonly ownerId?: string | null },
): Promise<Change<unknown>> {
  const input = { params: { kid }, query: { strict: false }, body };
  return recordChange(tx, { action: updateKey.id, targetKind: 'key' }, (ctx) => updateKey.change(ctx, input));
}

function reassignment({ applicationId, ownerId }: OwnerChoice) {
  if (applicationId === undefined && ownerId === undefined) {
    throw invalidField('body', 'choice', 'reassign needs an applicationId, an ownerId, or both');
  }
  return { ...(applicationId === undefined ? {} : { applicationId }), ...(ownerId === undefined ? {} : { ownerId }) };
}

function changePerson(
  tx: CallContext,
  choice: OwnerChoice,
  body: { readonly name?: string; readonly email?: string | null; readonly state?: 'active' },
): Promise<Change<unknown>> {
  const input = { params: { id: personOf(choice) }, query: QUERY, body };
  const audited = { action: updatePerson.id, targetKind: 'person' };
  return recordChange(tx, audited, (ctx) => updatePerson.change(ctx, input));
}

/**
 * A new person in the place of the one who is missing: of the key where it has an owner of its own,
 * else of its application. In its team they become a member, or they could not answer for the key.
 */
async function createOwner(tx: CallContext, row: KeyRow, choice: OwnerChoice): Promise<Change<unknown>> {
  const { name, email = null } = choice;
  if (name === undefined) throw invalidField('body', 'name', 'is needed to create a person');
  const input = { params: {}, query: {}, body: { name, email, state: 'active' as const } };
  const made = await recordChange(tx, { action: createPerson.id, targetKind: 'person' }, (ctx) =>
    createPerson.change(ctx, input),
  );
  const application = await tx.workspace.applications.get(row.applicationId);
  const personId = made.targetId;
  if (application !== null && application.teamId !== null) await enterTeam(tx, application.teamId, personId);
  if (row.ownerId === null && application !== null) await handOver(tx, application, personId);
  else await reassign(tx, row, { ownerId: personId });
  return { ...made, propagate: { kind: 'snapshot', kids: [row.kid] } };
}

function handOver(tx: CallContext, { id }: ApplicationRow, ownerId: string): Promise<Change<unknown>> {
  const input = { params: { id }, query: QUERY, body: { ownerId } };
  const audited = { action: updateApplication.id, targetKind: 'application' };
  return recordChange(tx, audited, (ctx) => updateApplication.change(ctx, input));
}

async function joinTeam(tx: CallContext, row: KeyRow, choice: OwnerChoice): Promise<Change<unknown>> {
  const application = await tx.workspace.applications.get(row.applicationId);
  if (application === null || application.teamId === null) {
    throw invalidField('body', 'choice', 'needs a team: the application of this key belongs to none');
  }
  return enterTeam(tx, application.teamId, personOf(choice));
}

/** As a member who may own keys, whatever they were there before. */
async function enterTeam(tx: CallContext, teamId: string, personId: string): Promise<Change<unknown>> {
  const body = { role: 'member', state: 'active' } as const;
  if ((await tx.workspace.memberships.get(teamId, personId)) === null) {
    const input = { params: { id: teamId }, query: QUERY, body: { personId, ...body } };
    const audited = { action: addMember.id, targetKind: 'membership' };
    return recordChange(tx, audited, (ctx) => addMember.change(ctx, input));
  }
  const input = { params: { id: teamId, personId }, query: QUERY, body };
  const audited = { action: updateMember.id, targetKind: 'membership' };
  return recordChange(tx, audited, (ctx) => updateMember.change(ctx, input));
}

function detailsOf({ name, email }: OwnerChoice): { readonly name?: string; readonly email?: string | null } {
  if (name === undefined && email === undefined) {
    throw invalidField('body', 'choice', 'update-person needs a name, an email, or both');
  }
  return { ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) };
}

function personOf({ personId }: OwnerChoice): string {
  if (personId === undefined) throw invalidField('body', 'personId', 'is needed for this choice');
  return personId;
}
