/** What the scopes of every level say. A call must be allowed by all of them. */
import type { ErrorCode } from '../../errors.ts';
import { minuteOfWeek } from '../../lib/zoned-time.ts';
import { isAddressIn } from '../cidr.ts';
import { isInWindow } from '../compiled-scopes.ts';
import { readScopes } from '../constraints.ts';
import type { Scopes } from '../constraints.ts';
import type { DecisionInput, RequestFacts } from '../decision-input.ts';
import { matchEndpoint } from '../endpoint-pattern.ts';
import { matchesModel } from '../model-pattern.ts';
import type { ModelPatterns } from '../model-pattern.ts';
import type { Level } from '../standing.ts';
import type { CheckGroup } from '../verdict.ts';
import type { Check, CheckOutcome } from './check.ts';
import { formatTime, nameList, quote } from './wording.ts';

const constraints: Check = {
  name: 'constraints',
  group: 'scope',
  run: ({ standing: { key } }) => (key.problem === null ? 'pass' : 'configuration_error'),
  detail: ({ standing: { key } }) => key.problem ?? 'every constraint of the key is known',
  remedy: ({ standing: { key } }) => ({
    wouldPassIf: 'the key had only constraints that this version knows',
    who: 'key owner',
    fix: { kind: 'clear-constraints', kid: key.record.kid },
  }),
};

/** Of a token of the admin API: it holds what its endpoint needs. */
const permission: Check = {
  name: 'permission',
  group: 'scope',
  run({ permission: finding, standing: { key } }) {
    // Where nobody asked for permissions, an admin token opens nothing.
    if (finding === undefined) return key.record.type === 'kwa' ? 'forbidden' : 'skipped';
    return finding.missing.length === 0 ? 'pass' : 'forbidden';
  },
  detail({ permission: finding }) {
    if (finding === undefined) return 'no call of the admin API';
    const needs = `needs ${nameList(finding.needed)}`;
    return finding.missing.length === 0 ? `${needs}: held` : `${needs}; not held: ${nameList(finding.missing)}`;
  },
  remedy: ({ permission: finding, standing: { key } }) => ({
    wouldPassIf: `the admin token had the permission ${nameList(finding?.missing ?? [])}`,
    who: 'workspace admin',
    fix: { kind: 'grant-permissions', kid: key.record.kid, permissions: finding?.missing ?? [] },
  }),
};

interface ScopeRule {
  readonly name: string;
  readonly group?: CheckGroup;
  readonly scope: keyof Scopes;
  /** Whether the call has what the scope is about; the others are skipped. */
  readonly applies: (facts: RequestFacts) => boolean;
  /** Why the level refuses, or null. Must not allocate. */
  readonly refuses: (level: Level, input: DecisionInput) => ErrorCode | null;
  /** What the call asks, for the trace. */
  readonly asked: (input: DecisionInput) => string;
  readonly wouldPassIf: string;
  /** What would have to be added to the scope; null where that is not one entry. */
  readonly missing: (facts: RequestFacts) => string | null;
}

/** A scope check: every level that narrows must allow. */
function scopeCheck(rule: ScopeRule): Check {
  const refusing = (input: DecisionInput): Level | undefined =>
    input.standing.levels.find((level) => rule.refuses(level, input) !== null);
  return {
    name: rule.name,
    group: rule.group ?? 'scope',
    run(input): CheckOutcome {
      if (!rule.applies(input.facts)) return 'skipped';
      for (const level of input.standing.levels) {
        const code = rule.refuses(level, input);
        if (code !== null) return code;
      }
      return 'pass';
    },
    detail(input) {
      const level = refusing(input);
      if (level === undefined) return `${rule.asked(input)}: allowed by every level that narrows it`;
      return `${rule.asked(input)}; in scope of the ${level.kind} ${level.id}: ${nameScope(level.scopes[rule.scope])}`;
    },
    remedy(input) {
      const level = refusing(input);
      return {
        wouldPassIf: `${rule.wouldPassIf} (${level?.kind ?? 'key'} ${level?.id ?? ''})`,
        who: level === undefined || isOfKey(level) ? 'key owner' : 'workspace admin',
        fix:
          level === undefined
            ? null
            : {
                kind: 'widen-scope',
                level: level.kind,
                levelId: level.id,
                scope: rule.scope,
                add: addable(rule.scope, rule.missing(input.facts)),
              },
      };
    },
  };
}

/** Null for what could not stand in the scope, such as an address that is none. */
function addable(scope: keyof Scopes, entry: string | null): string | null {
  return entry !== null && readScopes({ [scope]: [entry] }).ok ? entry : null;
}

function isOfKey({ kind }: Level): boolean {
  return kind === 'key' || kind === 'temporary' || kind === 'delegated';
}

const service = scopeCheck({
  name: 'service',
  scope: 'services',
  applies: ({ service: name }) => name !== null,
  refuses: ({ compiled: { services } }, { facts }) =>
    services === null || services.has(facts.service ?? '') ? null : 'service_denied',
  asked: ({ facts }) => `service ${quote(facts.service ?? '')}`,
  wouldPassIf: 'the scope held the service',
  missing: (facts) => facts.service,
});

const endpoint = scopeCheck({
  name: 'endpoint',
  scope: 'endpoints',
  applies: () => true,
  refuses({ compiled: { endpoints } }, { facts }) {
    if (endpoints === null) return null;
    const match = matchEndpoint(endpoints, facts.method, facts.path);
    if (match === 'matches') return null;
    return match === 'other-method' ? 'method_denied' : 'endpoint_denied';
  },
  asked: ({ facts }) => `endpoint ${quote(`${facts.method} ${facts.path}`)}`,
  wouldPassIf: 'the scope held the method and path',
  missing: ({ method, path }) => `${method} ${path}`,
});

export const modelScope = scopeCheck({
  name: 'model',
  scope: 'models',
  applies: ({ model: name }) => name !== null,
  refuses: (level, { facts }) =>
    level.compiled.models === null || coversModel(level.compiled.models, level.scopesSetAtMs, facts)
      ? null
      : 'model_denied',
  asked: ({ facts }) => nameModel(facts),
  wouldPassIf: 'the scope held the model',
  missing: (facts) => facts.model,
});

/**
 * A model is covered by its resolved name, or by the name the caller used. A pattern reaches only
 * what the catalogue had when the scope was set: a model added later must not widen it.
 */
function coversModel(patterns: ModelPatterns, setAtMs: number, facts: RequestFacts): boolean {
  if (facts.model !== null && covers(patterns, facts.model, facts.modelSinceMs, setAtMs)) return true;
  return facts.requestedModel !== null && covers(patterns, facts.requestedModel, facts.requestedModelSinceMs, setAtMs);
}

function covers(patterns: ModelPatterns, name: string, sinceMs: number | null, setAtMs: number): boolean {
  if (sinceMs === null || sinceMs <= setAtMs) return matchesModel(patterns, name);
  return patterns.exact.has(name);
}

function nameModel(facts: RequestFacts): string {
  const { model: name, requestedModel, modelSinceMs } = facts;
  const alias = requestedModel === null || requestedModel === name ? '' : ` (called ${quote(requestedModel)})`;
  const since = modelSinceMs === null ? '' : `, in the catalogue since ${formatTime(modelSinceMs, '')}`;
  return `model ${quote(name ?? '')}${alias}${since}`;
}

const operation = scopeCheck({
  name: 'operation',
  scope: 'operations',
  applies: ({ operation: name }) => name !== null,
  refuses: ({ compiled: { operations } }, { facts }) =>
    operations === null || operations.has(facts.operation ?? '') ? null : 'operation_denied',
  asked: ({ facts }) => `operation ${facts.operation ?? ''}`,
  wouldPassIf: 'the scope held the operation',
  missing: (facts) => facts.operation,
});

const tool = scopeCheck({
  name: 'tool',
  scope: 'tools',
  applies: ({ tool: name }) => name !== null,
  refuses: ({ compiled: { tools } }, { facts }) =>
    tools === null || tools.has(facts.tool ?? '') ? null : 'tool_denied',
  asked: ({ facts }) => `tool ${quote(facts.tool ?? '')}`,
  wouldPassIf: 'the scope held the tool',
  missing: (facts) => facts.tool,
});

const address = scopeCheck({
  name: 'address',
  group: 'address',
  scope: 'addresses',
  applies: () => true,
  // An address that cannot be read, or is not known, is in no block.
  refuses: ({ compiled: { addresses } }, { facts }) =>
    addresses === null || (facts.address !== null && isAddressIn(addresses, facts.address) === true)
      ? null
      : 'address_denied',
  asked: ({ facts }) => `address ${facts.address === null ? 'unknown' : quote(facts.address)}`,
  wouldPassIf: 'the call came from an allowed network, or the scope held this one',
  missing: (facts) => facts.address,
});

const country = scopeCheck({
  name: 'country',
  group: 'address',
  scope: 'countries',
  applies: () => true,
  refuses: ({ compiled: { countries } }, { facts }) =>
    countries === null || (facts.country !== null && countries.has(facts.country)) ? null : 'country_denied',
  asked: ({ facts }) => `country ${facts.country ?? 'unknown'}`,
  wouldPassIf: 'the call came from an allowed country, or the scope held this one',
  missing: (facts) => facts.country,
});

const timeWindow = scopeCheck({
  name: 'time-window',
  group: 'address',
  scope: 'timeWindows',
  applies: () => true,
  refuses({ compiled: { timeWindows } }, { nowMs }) {
    if (timeWindows === null) return null;
    if (!Number.isFinite(nowMs)) return 'outside_time_window';
    for (const window of timeWindows) {
      if (isInWindow(window, minuteOfWeek(window.timeZone, nowMs))) return null;
    }
    return 'outside_time_window';
  },
  asked: ({ nowMs }) => `the time ${formatTime(nowMs, '')}`,
  wouldPassIf: 'the call came inside of a time window',
  missing: () => null,
});

/** A temporary key may be bound to one session or transaction. */
const binding: Check = {
  name: 'binding',
  group: 'address',
  run({ standing: { key }, facts }) {
    if (key.record.binding === null) return 'skipped';
    return facts.session === key.record.binding ? 'pass' : 'binding_denied';
  },
  detail: ({ standing: { key } }) =>
    key.record.binding === null ? 'bound to no session' : 'the key is bound to one session or transaction',
  remedy: ({ standing: { key } }) => ({
    wouldPassIf: 'the call named the session that the key is bound to',
    who: 'caller',
    fix: { kind: 'name-session', session: key.record.binding ?? '' },
  }),
};

export const scopeChecks: readonly Check[] = [
  constraints,
  permission,
  service,
  endpoint,
  modelScope,
  operation,
  tool,
  address,
  country,
  timeWindow,
  binding,
];

function nameScope(entries: Scopes[keyof Scopes]): string {
  return nameList(
    entries?.map((entry) =>
      typeof entry === 'string' ? entry : `${entry.days.join(' ')} ${entry.from}-${entry.to} ${entry.timeZone}`,
    ) ?? null,
  );
}
