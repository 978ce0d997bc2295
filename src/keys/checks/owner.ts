import type { ErrorCode } from '../../errors.ts';
import type { DecisionInput } from '../decision-input.ts';
import type { Owner } from '../standing.ts';
import type { Check, CheckOutcome } from './check.ts';
import { nounOf } from './wording.ts';

const application: Check = {
  name: 'application',
  group: 'owner',
  // None of that id counts as disabled: an owner that is not there allows nothing.
  run({ standing: { key, application: found } }) {
    if (key.record.type === 'kwa') return 'skipped';
    return found !== null && found.state === 'active' ? 'pass' : 'application_disabled';
  },
  detail: ({ standing: { key, application: found } }) =>
    key.record.type === 'kwa'
      ? 'an admin token belongs to no application'
      : `application ${key.record.applicationId} is ${found === null ? 'not there' : found.state}`,
  remedy: ({ standing: { key, application: found } }) => ({
    wouldPassIf: found === null ? 'the application were there' : 'the application were enabled',
    who: 'workspace admin',
    fix: { kind: 'enable', what: 'application', id: key.record.applicationId },
  }),
};

const owner: Check = {
  name: 'owner',
  group: 'owner',
  run({ standing }) {
    if (standing.owners.length === 0) return 'skipped';
    for (const found of standing.owners) {
      const outcome = personOutcome(found);
      if (outcome !== 'pass') return outcome;
    }
    return 'pass';
  },
  detail: ({ standing: { key, owners } }) =>
    owners.length === 0
      ? `nobody in particular answers for the ${nounOf(key.record)}`
      : owners.map(({ id, person }) => `${id} is ${person === null ? 'not there' : person.state}`).join(', '),
  remedy(input, code) {
    const id = firstOwner(input, personOutcome)?.id ?? '';
    const noun = nounOf(input.standing.key.record);
    const wouldPassIf = {
      owner_missing: `the owner were there, or the ${noun} had another owner`,
      owner_disabled: `the owner were enabled, or the ${noun} had another owner`,
    }[code as string];
    return {
      wouldPassIf: wouldPassIf ?? 'the record of the owner were repaired',
      who: 'workspace admin',
      fix: { kind: 'enable', what: 'person', id },
    };
  },
};

function personOutcome({ person }: Owner): CheckOutcome {
  if (person === null) return 'owner_missing';
  switch (person.state) {
    case 'active':
      return 'pass';
    case 'disabled':
      return 'owner_disabled';
    default:
      return 'owner_record_corrupt';
  }
}

const membership: Check = {
  name: 'membership',
  group: 'owner',
  run({ standing }) {
    if (standing.team === null || standing.owners.length === 0) return 'skipped';
    for (const found of standing.owners) {
      const outcome = membershipOutcome(found);
      if (outcome !== 'pass') return outcome;
    }
    return 'pass';
  },
  detail: ({ standing: { team, owners } }) =>
    team === null
      ? 'the application belongs to no team'
      : owners
          .map(({ id, membership: found }) => `${id} is ${describeMembership(found)} of team ${team.id}`)
          .join(', '),
  remedy(input, code) {
    const id = firstOwner(input, membershipOutcome)?.id ?? '';
    const what = code === 'owner_role_lost' ? 'had a role that may own keys' : 'were an active member of the team';
    return {
      wouldPassIf: `the owner ${what}`,
      who: 'workspace admin',
      fix: { kind: 'enable', what: 'membership', id },
    };
  },
};

function membershipOutcome({ membership: found }: Owner): CheckOutcome {
  if (found === null || found.state === 'disabled') return 'owner_not_member';
  if (found.state !== 'active') return 'owner_record_corrupt';
  switch (found.role) {
    case 'admin':
    case 'member':
      return 'pass';
    case 'viewer':
      return 'owner_role_lost';
    default:
      return 'owner_record_corrupt';
  }
}

function describeMembership(found: Owner['membership']): string {
  return found === null ? 'no member' : `${found.state} ${found.role}`;
}

function firstOwner({ standing }: DecisionInput, outcome: (owner: Owner) => CheckOutcome): Owner | undefined {
  return standing.owners.find((each) => outcome(each) !== 'pass');
}

const team: Check = {
  name: 'team',
  group: 'owner',
  run({ standing }) {
    const teamId = standing.application?.teamId ?? null;
    if (teamId === null) return 'skipped';
    if (standing.team === null) return 'owner_record_corrupt';
    return standing.team.state === 'active' ? 'pass' : 'team_disabled';
  },
  detail: ({ standing }) => {
    const teamId = standing.application?.teamId ?? null;
    if (teamId === null) return 'the application belongs to no team';
    return `team ${teamId} is ${standing.team === null ? 'not there' : standing.team.state}`;
  },
  remedy: ({ standing }, code: ErrorCode) => ({
    wouldPassIf:
      code === 'team_disabled' ? 'the team were enabled' : 'the application belonged to a team that is there',
    who: 'workspace admin',
    fix: { kind: 'enable', what: 'team', id: standing.application?.teamId ?? '' },
  }),
};

const workspace: Check = {
  name: 'workspace',
  group: 'owner',
  run: ({ standing: { key, workspace: found } }) =>
    found !== null && found.id === key.record.workspaceId && found.state === 'active' ? 'pass' : 'workspace_disabled',
  detail: ({ standing: { key, workspace: found } }) =>
    `workspace ${key.record.workspaceId} is ${found === null ? 'not there' : found.state}`,
  remedy: ({ standing: { key, workspace: found } }) => ({
    wouldPassIf: found === null ? 'the workspace were there' : 'the workspace were enabled',
    who: 'operator',
    fix: { kind: 'enable', what: 'workspace', id: key.record.workspaceId },
  }),
};

export const ownerChecks: readonly Check[] = [application, owner, membership, team, workspace];
