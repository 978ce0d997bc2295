import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { Change } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { deletedField, id, iso, isoOrNull, mapPage, pageFields, pageOf, pageRequest, state, time } from '../fields.ts';
import { impactQuery, impactView } from '../impact.ts';
import type { ImpactQuery } from '../impact.ts';
import { keysBeneath, standingChange } from '../ownership.ts';
import type { MembershipRow } from '../owner-stores.ts';
import { invalidField } from '../validation.ts';
import { requireTeam } from './teams.ts';

const ofTeam = z.strictObject({ id });
const params = z.strictObject({ id, personId: id });
const query = z.strictObject(impactQuery);
const role = z
  .enum(['admin', 'member', 'viewer'])
  .describe('admin and member may own keys of the team; viewer may only look on.');

const memberView = z
  .object({
    teamId: z.string(),
    personId: z.string(),
    role,
    state,
    createdAt: time,
    updatedAt: time,
    deletedAt: time.nullable(),
  })
  .meta({ id: 'Member' });

const changedMember = memberView.extend({ impact: impactView }).meta({ id: 'ChangedMember' });

export const add = changeEndpoint({
  id: 'members.add',
  method: 'POST',
  path: '/teams/:id/members',
  permission: 'members:write',
  summary: 'Add a person to a team',
  description: 'Somebody who was removed from the team is taken in again, with the role that is named.',
  cli: { verb: 'members add' },
  params: ofTeam,
  query,
  body: z.strictObject({ personId: id, role: role.default('member'), state: state.default('active') }),
  response: changedMember,
  errors: ['not_found', 'conflict'],
  status: 201,
  audit: { targetKind: 'membership' },
  handler: async (ctx, input) => {
    const { body, params: named } = input;
    const team = await requireTeam(ctx.workspace, named.id);
    if ((await ctx.workspace.people.get(body.personId)) === null) {
      throw invalidField('body', 'personId', `names no person: ${body.personId}`);
    }
    const before = await ctx.workspace.memberships.find(team.id, body.personId);
    if (before !== null && before.deletedAtMs === null) {
      throw new AppError('conflict', {
        message: `${body.personId} is a member of the team ${team.id} already. Change the role there.`,
      });
    }
    const { role: given, state: wanted } = body;
    if (before !== null) return change(ctx, before, { role: given, state: wanted, deletedAtMs: null }, input.query);
    return insert(ctx, newMembership(ctx, team.id, body), input.query);
  },
});

const list = readEndpoint({
  id: 'members.list',
  method: 'GET',
  path: '/teams/:id/members',
  permission: 'teams:read',
  summary: 'List the members of a team',
  description: 'Newest first.',
  cli: { verb: 'members list', columns: ['personId', 'role', 'state'] },
  params: ofTeam,
  query: z.strictObject({ ...deletedField, ...pageFields }),
  response: pageOf(memberView),
  errors: ['not_found'],
  handler: async (ctx, input) => {
    const team = await requireTeam(ctx.workspace, input.params.id);
    const { deleted } = input.query;
    return mapPage(await ctx.workspace.memberships.list(team.id, pageRequest(input.query), { deleted }), view);
  },
});

export const update = changeEndpoint({
  id: 'members.update',
  method: 'PATCH',
  path: '/teams/:id/members/:personId',
  permission: 'members:write',
  summary: 'Change a membership',
  description:
    'Disabling it, or making the member a viewer, stops the keys that they answer for in the applications of the team.',
  cli: { verb: 'members update' },
  params,
  query,
  body: z.strictObject({ role: role.exactOptional(), state: state.exactOptional() }),
  response: changedMember,
  errors: ['not_found'],
  audit: { targetKind: 'membership' },
  handler: async (ctx, input) => change(ctx, await requireMember(ctx, input.params), input.body, input.query),
});

const remove = changeEndpoint({
  id: 'members.remove',
  method: 'DELETE',
  path: '/teams/:id/members/:personId',
  permission: 'members:write',
  summary: 'Remove a person from a team',
  description: 'Stops the keys that they answer for in the applications of the team. Can be restored.',
  cli: { verb: 'members remove' },
  params,
  query,
  body: none,
  response: changedMember,
  errors: ['not_found'],
  audit: { targetKind: 'membership' },
  handler: async (ctx, input) =>
    change(ctx, await requireMember(ctx, input.params), { deletedAtMs: ctx.nowMs }, input.query),
});

const restore = changeEndpoint({
  id: 'members.restore',
  method: 'POST',
  path: '/teams/:id/members/:personId/restore',
  permission: 'members:write',
  summary: 'Restore a membership',
  description: 'With the role of before.',
  cli: { verb: 'members restore' },
  params,
  query,
  body: none,
  response: changedMember,
  errors: ['not_found'],
  audit: { targetKind: 'membership' },
  handler: async (ctx, input) => {
    const team = await requireTeam(ctx.workspace, input.params.id);
    const before = await ctx.workspace.memberships.find(team.id, input.params.personId);
    if (before === null) throw notFound(input.params);
    return change(ctx, before, { deletedAtMs: null }, input.query);
  },
});

type MemberChange = Change<z.input<typeof changedMember>>;

/** An owner may have been given to an application before they were in its team: then their keys come to life. */
async function insert(ctx: CallContext, row: MembershipRow, impact: ImpactQuery): Promise<MemberChange> {
  const made = await applied(ctx, row, impact, async () => {
    await ctx.workspace.memberships.insert(row);
    return row;
  });
  return { ...made, before: null };
}

function change(
  ctx: CallContext,
  before: MembershipRow,
  patch: Partial<Pick<MembershipRow, 'role' | 'state' | 'deletedAtMs'>>,
  impact: ImpactQuery,
): Promise<MemberChange> {
  const { memberships } = ctx.workspace;
  const { teamId, personId } = before;
  return applied(ctx, before, impact, async () => {
    await memberships.update(teamId, personId, { ...patch, updatedAtMs: ctx.nowMs });
    return (await memberships.find(teamId, personId)) ?? before;
  });
}

async function applied(
  ctx: CallContext,
  before: MembershipRow,
  impact: ImpactQuery,
  make: () => Promise<MembershipRow>,
): Promise<MemberChange> {
  const beneath = await keysBeneath(ctx.workspace, ({ teamId }) => teamId === before.teamId);
  const targetId = `${before.teamId}/${before.personId}`;
  return standingChange(ctx, { targetId, before, beneath, query: impact, view, make });
}

function newMembership(
  ctx: CallContext,
  teamId: string,
  given: Pick<MembershipRow, 'personId' | 'role' | 'state'>,
): MembershipRow {
  return { teamId, ...given, createdAtMs: ctx.nowMs, updatedAtMs: ctx.nowMs, deletedAtMs: null };
}

async function requireMember(ctx: CallContext, named: z.output<typeof params>): Promise<MembershipRow> {
  const team = await requireTeam(ctx.workspace, named.id);
  const row = await ctx.workspace.memberships.get(team.id, named.personId);
  if (row === null) throw notFound(named);
  return row;
}

function notFound({ id: teamId, personId }: z.output<typeof params>): AppError {
  return new AppError('not_found', { message: `${personId} is no member of the team ${teamId}.` });
}

function view({ createdAtMs, updatedAtMs, deletedAtMs, ...row }: MembershipRow): z.input<typeof memberView> {
  return { ...row, createdAt: iso(createdAtMs), updatedAt: iso(updatedAtMs), deletedAt: isoOrNull(deletedAtMs) };
}

export const members = [add, list, update, remove, restore] as const;
