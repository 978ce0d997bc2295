/** Properties of the engine over arbitrary keys, owners, scopes and calls. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAddressIn, parseCidr } from './cidr.ts';
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import type { Scopes, TimeWindow } from './constraints.ts';
import { decide, explain, findWayOut } from './decide.ts';
import { decisionInputs, NOW_MS, reading, scopes } from '../../test/decision-arbitrary.ts';
import type { DecisionInput, RequestFacts } from './decision-input.ts';
import type { DelegatedClaims } from './delegation-claims.ts';
import type { KeyRecord } from './key-record.ts';
import type { ApplicationState } from './owners.ts';
import type { PreparedKey } from './prepare.ts';
import type { Level } from './standing.ts';
import { standingOf, withDelegated } from './standing.ts';

/** The rules once more, slow and plain: every reason against a call, in order. */
function reasonsAgainst(input: DecisionInput): readonly string[] {
  const { standing, facts, nowMs } = input;
  const { key, application, team, workspace, owners } = standing;
  const { record } = key;
  return [
    ...(input.matchedSecret === null ? ['secret_mismatch'] : []),
    ...(input.expectedEnvironment !== null && input.expectedEnvironment !== record.environment
      ? ['wrong_environment']
      : []),
    ...stateReasons(record, nowMs),
    ...(record.notBeforeMs !== null && nowMs < record.notBeforeMs ? ['not_yet_active'] : []),
    ...(record.expiresAtMs !== null && nowMs >= record.expiresAtMs ? ['expired'] : []),
    ...overlapReasons(input),
    ...ancestorReasons(record, standing.ancestors, nowMs),
    ...(record.type === 'kwa' || application?.state === 'active' ? [] : ['application_disabled']),
    ...first(
      owners.map(({ person }) =>
        person === null ? 'owner_missing' : person.state === 'active' ? null : 'owner_disabled',
      ),
    ),
    ...(team === null ? [] : first(owners.map(({ membership }) => membershipReason(membership)))),
    ...(application === null || application.teamId === null
      ? []
      : team === null
        ? ['owner_record_corrupt']
        : team.state === 'active'
          ? []
          : ['team_disabled']),
    ...(workspace?.id === record.workspaceId && workspace.state === 'active' ? [] : ['workspace_disabled']),
    ...(application !== null && facts.model !== null
      ? subscriptionReasons(application, application.subscribedModels, 'model', (names) => anyName(names, facts))
      : []),
    ...(application !== null && facts.service !== null
      ? subscriptionReasons(application, application.subscribedServices, 'service', (names) =>
          names.includes(facts.service ?? ''),
        )
      : []),
    ...(input.permission === undefined || input.permission.missing.length === 0 ? [] : ['forbidden']),
    ...SCOPE_RULES.flatMap((rule) => first(standing.levels.map((level) => rule(level.scopes, facts, level, nowMs)))),
    ...(record.binding !== null && record.binding !== facts.session ? ['binding_denied'] : []),
    ...first(
      standing.levels.map(({ limits: { requestBytesMax } }) =>
        requestBytesMax !== null && facts.requestBytes !== null && facts.requestBytes > requestBytesMax
          ? 'request_too_large'
          : null,
      ),
    ),
    ...limitReasons(input),
  ];
}

function first(reasons: readonly (string | null)[]): readonly string[] {
  return reasons.filter((reason) => reason !== null).slice(0, 1);
}

function stateReasons({ state, suspension }: KeyRecord, nowMs: number): readonly string[] {
  if (state === 'active') return [];
  if (state !== 'suspended') return [state];
  const isOver = suspension !== null && suspension.untilMs !== null && suspension.untilMs <= nowMs;
  if (isOver) return [];
  return [suspension !== null && suspension.automatic ? 'suspended_automatically' : 'suspended'];
}

function overlapReasons({ matchedSecret, nowMs }: DecisionInput): readonly string[] {
  if (matchedSecret === null || matchedSecret.notAfterMs === null || matchedSecret.notAfterMs > nowMs) return [];
  return [matchedSecret.state === 'superseded' ? 'superseded' : 'rotation_grace_over'];
}

function ancestorReasons(
  { parentKid }: KeyRecord,
  ancestors: readonly PreparedKey[],
  nowMs: number,
): readonly string[] {
  if (parentKid === null) return [];
  const broken = ancestors.some(
    ({ record }) =>
      stateReasons(record, nowMs).length > 0 ||
      (record.notBeforeMs !== null && record.notBeforeMs > nowMs) ||
      (record.expiresAtMs !== null && record.expiresAtMs <= nowMs),
  );
  return ancestors.length === 0 || broken ? ['parent_inactive'] : [];
}

function membershipReason(membership: { readonly role: string; readonly state: string } | null): string | null {
  if (membership === null || membership.state === 'disabled') return 'owner_not_member';
  return membership.role === 'viewer' ? 'owner_role_lost' : null;
}

function subscriptionReasons(
  { subscriptions = [] }: ApplicationState,
  list: readonly string[],
  wanted: string,
  covers: (names: readonly string[]) => boolean,
): readonly string[] {
  const asked = subscriptions.filter(({ kind, names }) => kind === wanted && covers(names)).map(({ state }) => state);
  if (covers(list) || asked.includes('approved')) return [];
  return [asked[0] === undefined ? 'not_subscribed' : `subscription_${asked[0]}`];
}

type Rule = (scopes: Scopes, facts: RequestFacts, level: Level, nowMs: number) => string | null;

const SCOPE_RULES: readonly Rule[] = [
  ({ services }, { service }) =>
    services === null || service === null || services.includes(service) ? null : 'service_denied',
  ({ endpoints }, { method, path }) => {
    if (endpoints === null) return null;
    const onPath = endpoints.filter((text) => globToRegExp(text.split(' ')[1] ?? '').test(path));
    if (onPath.some((text) => ['*', method].includes(text.split(' ')[0] ?? ''))) return null;
    return onPath.length > 0 ? 'method_denied' : 'endpoint_denied';
  },
  ({ models }, facts, { scopesSetAtMs }) => {
    if (models === null || facts.model === null) return null;
    const named = [
      [facts.model, facts.modelSinceMs],
      [facts.requestedModel, facts.requestedModelSinceMs],
    ] as const;
    const reached = named.some(([name, sinceMs]) => {
      if (name === null) return false;
      const usable =
        sinceMs !== null && sinceMs > scopesSetAtMs ? models.filter((text) => !text.includes('*')) : models;
      return usable.some((text) => globToRegExp(text).test(name));
    });
    return reached ? null : 'model_denied';
  },
  ({ operations }, { operation }) =>
    operations === null || operation === null || operations.includes(operation) ? null : 'operation_denied',
  ({ tools }, { tool }) => (tools === null || tool === null || tools.includes(tool) ? null : 'tool_denied'),
  ({ addresses }, { address }) => {
    if (addresses === null) return null;
    const inside = addresses.some((text) => {
      const parsed = parseCidr(text);
      return parsed.ok && address !== null && isAddressIn([parsed.cidr], address) === true;
    });
    return inside ? null : 'address_denied';
  },
  ({ countries }, { country }) =>
    countries === null || (country !== null && countries.includes(country)) ? null : 'country_denied',
  ({ timeWindows }, _facts, _level, nowMs) =>
    timeWindows === null || timeWindows.some((window) => isInside(window, nowMs)) ? null : 'outside_time_window',
];

/** Minute by minute through the window, by the local time that Intl tells. */
function isInside({ days, from, to, timeZone }: TimeWindow, nowMs: number): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const local = (atMs: number) => Object.fromEntries(parts.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const now = local(nowMs);
  const time = `${now['hour']}:${now['minute']}`;
  const day = String(now['weekday']).toLowerCase();
  const yesterday = String(local(nowMs - 86_400_000)['weekday']).toLowerCase();
  const onDay = (name: string): boolean => (days as readonly string[]).includes(name);
  if (from < to) return onDay(day) && time >= from && time < to;
  return (onDay(day) && time >= from) || (onDay(yesterday) && time < to);
}

function anyName(patterns: readonly string[], { model, requestedModel }: RequestFacts): boolean {
  return [model, requestedModel].some(
    (name) => name !== null && patterns.some((text) => globToRegExp(text).test(name)),
  );
}

function globToRegExp(glob: string): RegExp {
  return new RegExp(
    `^${glob
      .split('*')
      .map((piece) => piece.replaceAll(/[^\w]/g, '\\$&'))
      .join('.*')}$`,
  );
}

const QUOTA_CODES = {
  call: 'call_too_expensive',
  rate: 'rate_limited',
  concurrency: 'concurrency_limited',
  tokens: 'tokens_limited',
  uses: 'uses_exhausted',
  budget: 'budget_exhausted',
} as const;

function limitReasons({ limits, standing }: DecisionInput): readonly string[] {
  return Object.entries(QUOTA_CODES).flatMap(([kind, code]) => {
    const refusing = limits?.find((each) => each.kind === kind && !each.soft && each.used + each.needed > each.limit);
    if (refusing === undefined) return [];
    const ofAncestor = ['key', 'temporary'].includes(refusing.level) && refusing.levelId !== standing.key.record.kid;
    return [ofAncestor && ['tokens', 'uses', 'budget'].includes(kind) ? 'ancestor_exhausted' : code];
  });
}

const RUNS = 3000;

test('the engine says what the plain rules say: the same reasons in the same order', () => {
  let allowed = 0;
  fc.assert(
    fc.property(decisionInputs, (input) => {
      const reasons = reasonsAgainst(input);
      const verdict = decide(input);
      expect(explain(input).trace?.failed.map(({ code }) => code)).toEqual(reasons);
      expect(verdict.code).toBe(reasons[0] ?? null);
      expect(verdict.allowed).toBe(reasons.length === 0);
      if (verdict.allowed) allowed += 1;
    }),
    { numRuns: RUNS },
  );
  // Neither side of the property may be empty.
  expect(allowed).toBeGreaterThan(RUNS / 100);
  expect(allowed).toBeLessThan(RUNS);
});

test('making the suggested changes turns the verdict in at least 99 of 100 cases', () => {
  let refused = 0;
  let turned = 0;
  fc.assert(
    fc.property(decisionInputs, (input) => {
      if (decide(input).allowed) return;
      refused += 1;
      if (findWayOut(input).wouldPass) turned += 1;
    }),
    { numRuns: RUNS },
  );
  expect(refused).toBeGreaterThan(RUNS / 2);
  expect(turned / refused).toBeGreaterThanOrEqual(0.99);
});

test('what a temporary key may do, the key that it was minted from may do', () => {
  fc.assert(
    fc.property(decisionInputs, (input) => {
      const [parent] = input.standing.ancestors;
      if (parent === undefined || !decide({ ...input, limits: null }).allowed) return;
      const standing = standingOf(parent, [], input.standing.workspace);
      // The owner of the child is its own; the parent's stands for itself.
      const asParent: DecisionInput = { ...input, standing, limits: null, expectedEnvironment: null };
      const failed = explain(asParent).trace?.failed.filter(({ group }) => group !== 'owner') ?? [];
      expect(failed).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

test('what a delegated key may do, within its own limits or without, the key of its holder may do', () => {
  let allowed = 0;
  fc.assert(
    fc.property(decisionInputs, scopes, fc.array(reading, { maxLength: 2 }), (input, narrower, own) => {
      const standing = withDelegated(input.standing, { ...CLAIMS, scopes: narrower });
      const delegation = { code: null, detail: 'signed', expiresAtMs: CLAIMS.expiresAtMs };
      const limits = [...own.map((each) => ({ ...each, level: 'delegated' as const })), ...(input.limits ?? [])];
      if (!decide({ ...input, standing, delegation, limits }).allowed) return;
      allowed += 1;
      expect(decide(input).allowed).toBe(true);
      expect(decide({ ...input, standing, delegation }).allowed).toBe(true);
    }),
    { numRuns: RUNS },
  );
  expect(allowed).toBeGreaterThan(RUNS / 200);
});

const CLAIMS: DelegatedClaims = {
  kid: 'abcdefghijkl',
  audience: 'ws_1',
  jti: 'one',
  issuedAtMs: 100,
  expiresAtMs: NOW_MS + 1,
  group: null,
  scopes: NO_SCOPES,
  limits: NO_LIMITS,
};

test('what is added to the catalogue later never widens an explicit scope', () => {
  fc.assert(
    fc.property(decisionInputs, fc.integer({ min: 101, max: 1e6 }), (input, sinceMs) => {
      const narrowed = input.standing.levels.some(({ scopes }) => scopes.models !== null);
      if (!narrowed || input.facts.model === null) return;
      const name = 'openai/brand-new';
      const added = {
        ...input.facts,
        model: name,
        requestedModel: name,
        modelSinceMs: sinceMs,
        requestedModelSinceMs: sinceMs,
      };
      expect(decide({ ...input, facts: added }).allowed).toBe(false);
    }),
    { numRuns: RUNS },
  );
});
