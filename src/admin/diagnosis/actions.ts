/** What would make a refused call pass, as something to do: in words, and as the API call that does it. */
import { z } from 'zod';
import type { Scopes } from '../../keys/constraints.ts';
import type { DecisionInput } from '../../keys/decision-input.ts';
import type { EnableKind, Fix } from '../../keys/fix.ts';
import type { CheckRemedy } from '../../keys/verdict.ts';
import { limitAmount, limitName } from '../../keys/limit-words.ts';
import { viewLimits, viewScopes } from '../constraint-fields.ts';
import { iso } from '../fields.ts';

export const actionView = z
  .object({
    kind: z.string().describe('Stable, for programs.'),
    what: z.string().describe('What to do, in words.'),
    who: z.enum(['caller', 'key owner', 'workspace admin', 'operator', 'time']).nullable(),
    request: z
      .object({
        method: z.enum(['POST', 'PATCH']),
        path: z.string().describe('Below /api/v1.'),
        body: z.record(z.string(), z.unknown()),
      })
      .nullable()
      .describe('The call of this API that does it; null where no call of it does.'),
  })
  .meta({ id: 'SuggestedAction' });

export type Action = z.input<typeof actionView>;
type Request = NonNullable<Action['request']>;

/** The suggestion that a fix makes for the call of that input. */
export function actionOf(fix: Fix, input: DecisionInput, who: CheckRemedy | null = null): Action {
  return { kind: fix.kind, ...wordsOf(fix, input), who: who ?? usualHand(fix) };
}

function wordsOf(fix: Fix, input: DecisionInput): Pick<Action, 'what' | 'request'> {
  const isAdmin = input.standing.key.record.type === 'kwa';
  const noun = isAdmin ? 'admin token' : 'key';
  const path = (kid: string): string => (isAdmin ? `/admin-tokens/${kid}` : `/keys/${kid}`);
  switch (fix.kind) {
    case 'send-current-secret':
      return told('Send the secret that the key has now; where nobody has it any more, rotate the key.');
    case 'use-environment':
      return told(`Send the key to where ${fix.environment} keys are used, or use a key of the other environment.`);
    case 'resume-key':
      return done(`Resume the ${noun} ${fix.kid}.`, 'POST', `${path(fix.kid)}/resume`, {});
    case 'replace-key':
      if (isAdmin) return told(`Create an admin token in the place of ${fix.kid}, and give it to its users.`);
      return done(
        `Create a key in the place of ${fix.kid}, and give it to its users.`,
        'POST',
        '/keys',
        replacement(input),
      );
    case 'move-expiry':
      return done(`Let the ${noun} ${fix.kid} live on.`, 'PATCH', path(fix.kid), { expiresIn: '30d' });
    case 'wait':
      return told(`Wait until ${timeText(fix.untilMs)}.`);
    case 'sign-new-token':
      return told('Sign a new token with the key, within what the key allows.');
    case 'enable':
      return enabling(fix.what, fix.id, input);
    case 'subscribe':
      return subscribing(fix.to, fix.name, input);
    case 'approve-subscription':
      return done(`Approve the subscription ${fix.id}.`, 'PATCH', `/subscriptions/${fix.id}`, { state: 'approved' });
    case 'clear-constraints':
      return done(
        `Clear the scopes and limits of the key ${fix.kid}, then set those that are meant.`,
        'PATCH',
        `/keys/${fix.kid}`,
        {
          scopes: null,
          limits: null,
        },
      );
    case 'widen-scope':
      return widening(fix, input);
    case 'raise-limit':
      return raising(fix);
    case 'name-session':
      return told('Name the session that the key is bound to in x-keyward-session.');
    case 'grant-permissions':
      // What it holds besides is not part of the decision: the change needs the whole list.
      return told(`Give the admin token ${fix.kid} the permission ${fix.permissions.join(', ')} as well.`);
  }
}

function told(what: string): Pick<Action, 'what' | 'request'> {
  return { what, request: null };
}

function done(what: string, method: Request['method'], path: string, body: Request['body']) {
  return { what, request: { method, path, body } };
}

function enabling(what: EnableKind, id: string, { standing }: DecisionInput): Pick<Action, 'what' | 'request'> {
  const isThere =
    what === 'person'
      ? standing.owners.some((owner) => owner.id === id && owner.person !== null)
      : standing.team !== null;
  switch (what) {
    case 'application':
      return done(`Enable the application ${id}.`, 'PATCH', `/applications/${id}`, { state: 'active' });
    case 'person':
      return isThere
        ? done(`Enable the person ${id}, or give the key another owner.`, 'PATCH', `/people/${id}`, { state: 'active' })
        : done(`Restore the person ${id}, or give the key another owner.`, 'POST', `/people/${id}/restore`, {});
    case 'membership':
      return membership(id, standing);
    case 'team':
      return isThere
        ? done(`Enable the team ${id}.`, 'PATCH', `/teams/${id}`, { state: 'active' })
        : done(`Restore the team ${id}.`, 'POST', `/teams/${id}/restore`, {});
    case 'workspace':
      return told(`Enable the workspace ${id}.`);
  }
}

function membership(personId: string, { team, owners }: DecisionInput['standing']): Pick<Action, 'what' | 'request'> {
  const what = `Make ${personId} a member of the team that may own keys, or give the key another owner.`;
  if (team === null) return told(what);
  const role = { role: 'member', state: 'active' };
  const isMember = owners.some(({ id, membership: known }) => id === personId && known !== null);
  return isMember
    ? done(what, 'PATCH', `/teams/${team.id}/members/${personId}`, role)
    : done(what, 'POST', `/teams/${team.id}/members`, { personId, ...role });
}

function subscribing(
  to: 'model' | 'service',
  name: string,
  { standing }: DecisionInput,
): Pick<Action, 'what' | 'request'> {
  const { application } = standing;
  const what = `Subscribe the application to the ${to} ${name}.`;
  if (application === null || to === 'service') return told(what);
  const subscribedModels = [...application.subscribedModels, name];
  return done(what, 'PATCH', `/applications/${application.id}`, { subscribedModels });
}

function widening(
  fix: Extract<Fix, { kind: 'widen-scope' }>,
  { standing }: DecisionInput,
): Pick<Action, 'what' | 'request'> {
  const { level, levelId, scope, add } = fix;
  const entries = standing.levels.find((each) => each.kind === level && each.id === levelId)?.scopes[scope] ?? null;
  const what =
    add === null
      ? `Lift the scope ${scope} of the ${level} ${levelId}.`
      : `Add ${add} to the scope ${scope} of the ${level} ${levelId}.`;
  if (level !== 'key') return told(what);
  if (standing.key.record.type !== 'kwa') {
    return done(what, 'PATCH', `/keys/${levelId}`, { scopes: { [scope]: widened(entries, add) } });
  }
  return scope === 'addresses'
    ? done(what, 'PATCH', `/admin-tokens/${levelId}`, { addresses: widened(entries, add) })
    : told(what);
}

function widened(entries: Scopes[keyof Scopes], add: string | null): readonly unknown[] | null {
  return add === null || entries === null ? null : [...entries, add];
}

function raising({
  level,
  levelId,
  name,
  to,
}: Extract<Fix, { kind: 'raise-limit' }>): Pick<Action, 'what' | 'request'> {
  const what = `Raise the limit ${limitName(name)} of the ${level} ${levelId} to at least ${limitAmount(name, to)}.`;
  // Budgets are lists, and other levels are changed in their own places.
  if (level !== 'key' || !/^(?:request|tokens|concurrency|uses)/.test(name)) return told(what);
  return done(what, 'PATCH', `/keys/${levelId}`, { limits: { [name]: to } });
}

/** The same rights in a new key. */
function replacement({ standing: { key } }: DecisionInput): Request['body'] {
  const { record, scopes, limits } = key;
  return {
    name: `replaces ${record.kid}`,
    applicationId: record.applicationId,
    environment: record.environment,
    scopes: given(viewScopes(scopes)),
    limits: given(viewLimits(limits)),
  };
}

function given(constraints: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(constraints).filter(([, value]) => value !== null));
}

function usualHand({ kind }: Fix): CheckRemedy {
  switch (kind) {
    case 'send-current-secret':
    case 'use-environment':
    case 'sign-new-token':
    case 'name-session':
      return 'caller';
    case 'wait':
      return 'time';
    case 'enable':
    case 'subscribe':
    case 'approve-subscription':
    case 'grant-permissions':
      return 'workspace admin';
    default:
      return 'key owner';
  }
}

function timeText(atMs: number): string {
  return Number.isFinite(atMs) && Math.abs(atMs) < 8.64e15 ? iso(atMs) : 'it is time';
}
