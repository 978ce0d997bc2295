/**
 * The checks of a call, in the order in which they block. Each is pure and looks at one thing; a new
 * constraint is a new row. `run` must not allocate; the texts are only made for a trace.
 */
import type { ErrorCode } from '../errors.ts';
import { isAddressIn } from './cidr.ts';
import type { DecisionInput, LimitReading } from './decision-input.ts';
import type { ModelPatterns } from './model-pattern.ts';
import { matchesModel, modelPatternsOf } from './model-pattern.ts';
import type { CheckGroup, CheckRemedy } from './verdict.ts';

export type CheckOutcome = 'pass' | 'skipped' | ErrorCode;

export interface Remedy {
  /** Completes "would pass if …". */
  readonly wouldPassIf: string;
  readonly who: CheckRemedy;
}

export interface Check {
  readonly name: string;
  readonly group: CheckGroup;
  readonly run: (input: DecisionInput) => CheckOutcome;
  /** What was compared: no secret, no hash. */
  readonly detail: (input: DecisionInput) => string;
  /** Asked only when `run` gave the code. */
  readonly remedy: (input: DecisionInput, code: ErrorCode) => Remedy;
}

const secret: Check = {
  name: 'secret',
  group: 'identity',
  run: ({ secretMatches, matchedSecret }) => (secretMatches && matchedSecret !== null ? 'pass' : 'secret_mismatch'),
  detail: ({ key, secretMatches }) =>
    `the secret that was sent ${secretMatches ? 'is' : 'is none'} of the ${key.record.secrets.length} that the key has`,
  remedy: () => ({ wouldPassIf: "the key's own secret were sent", who: 'caller' }),
};

const environment: Check = {
  name: 'environment',
  group: 'identity',
  run({ key, expectedEnvironment }) {
    if (expectedEnvironment === undefined || expectedEnvironment === null) return 'skipped';
    return key.record.environment === expectedEnvironment ? 'pass' : 'wrong_environment';
  },
  detail: ({ key, expectedEnvironment }) =>
    `the key is for ${key.record.environment}, expected is ${expectedEnvironment ?? 'any'}`,
  remedy: ({ expectedEnvironment }) => ({ wouldPassIf: `a ${expectedEnvironment ?? ''} key were sent`, who: 'caller' }),
};

const state: Check = {
  name: 'state',
  group: 'life-cycle',
  run({ key }) {
    switch (key.record.state) {
      case 'active':
        return 'pass';
      case 'revoked':
      case 'compromised':
      case 'suspended':
        return key.record.state;
      default:
        // A state of a newer version of this program: not known to allow anything.
        return 'configuration_error';
    }
  },
  detail: ({ key }) => `the key is ${key.record.state}`,
  remedy(_input, code) {
    if (code === 'suspended') return { wouldPassIf: 'the key were resumed', who: 'key owner' };
    if (code === 'configuration_error')
      return { wouldPassIf: 'this version knew the state of the key', who: 'operator' };
    return { wouldPassIf: 'a new key were used: this one cannot come back', who: 'key owner' };
  },
};

// The comparisons of times are written so that a NaN refuses.
const start: Check = {
  name: 'start',
  group: 'life-cycle',
  run: ({ key: { record }, nowMs }) =>
    record.notBeforeMs === null || nowMs >= record.notBeforeMs ? 'pass' : 'not_yet_active',
  detail: ({ key }) => `valid from ${formatTime(key.record.notBeforeMs, 'the beginning')}`,
  remedy: ({ key }) => ({
    wouldPassIf: `the time were ${formatTime(key.record.notBeforeMs, 'later')} or later`,
    who: 'time',
  }),
};

const expiry: Check = {
  name: 'expiry',
  group: 'life-cycle',
  run: ({ key: { record }, nowMs }) => (record.expiresAtMs === null || nowMs < record.expiresAtMs ? 'pass' : 'expired'),
  detail: ({ key }) => `valid until ${formatTime(key.record.expiresAtMs, 'it is revoked')}`,
  remedy: () => ({ wouldPassIf: 'the expiry of the key were moved into the future', who: 'key owner' }),
};

const secretOverlap: Check = {
  name: 'secret-overlap',
  group: 'life-cycle',
  run({ matchedSecret, nowMs }) {
    if (matchedSecret === null) return 'skipped';
    if (matchedSecret.notAfterMs === null || nowMs < matchedSecret.notAfterMs) return 'pass';
    return matchedSecret.state === 'superseded' ? 'superseded' : 'rotation_grace_over';
  },
  detail: ({ matchedSecret }) =>
    matchedSecret === null
      ? 'no secret was proven'
      : `the secret is ${matchedSecret.state}, accepted until ${formatTime(matchedSecret.notAfterMs, 'it is replaced')}`,
  remedy: () => ({ wouldPassIf: 'the new secret of the key were sent', who: 'caller' }),
};

const application: Check = {
  name: 'application',
  group: 'owner',
  // None, or another one than the key's, counts as disabled: an owner that is not there allows nothing.
  run: ({ key, application: owner }) =>
    owner !== null && owner.id === key.record.applicationId && owner.state === 'active'
      ? 'pass'
      : 'application_disabled',
  detail: ({ key, application: owner }) =>
    `application ${key.record.applicationId} is ${owner === null ? 'not there' : owner.state}`,
  remedy: ({ application: owner }) => ({
    wouldPassIf: owner === null ? 'the application were there' : 'the application were enabled',
    who: 'workspace admin',
  }),
};

const workspace: Check = {
  name: 'workspace',
  group: 'owner',
  run: ({ key, workspace: owner }) =>
    owner !== null && owner.id === key.record.workspaceId && owner.state === 'active' ? 'pass' : 'workspace_disabled',
  detail: ({ key, workspace: owner }) =>
    `workspace ${key.record.workspaceId} is ${owner === null ? 'not there' : owner.state}`,
  remedy: ({ workspace: owner }) => ({
    wouldPassIf: owner === null ? 'the workspace were there' : 'the workspace were enabled',
    who: 'operator',
  }),
};

const subscription: Check = {
  name: 'subscription',
  group: 'subscription',
  run(input) {
    if (input.facts.model === null || input.application === null) return 'skipped';
    return coversModel(input, modelPatternsOf(input.application.subscribedModels)) ? 'pass' : 'not_subscribed';
  },
  detail: (input) => `${nameModel(input)}; subscribed: ${nameList(input.application?.subscribedModels ?? [])}`,
  remedy: () => ({ wouldPassIf: 'the application were subscribed to the model', who: 'workspace admin' }),
};

const constraints: Check = {
  name: 'constraints',
  group: 'scope',
  run: ({ key }) => (key.problem === null ? 'pass' : 'configuration_error'),
  detail: ({ key }) => key.problem ?? 'every constraint of the key is known',
  remedy: () => ({ wouldPassIf: 'the key had only constraints that this version knows', who: 'key owner' }),
};

const model: Check = {
  name: 'model',
  group: 'scope',
  run(input) {
    if (input.facts.model === null) return 'skipped';
    return input.key.models === null || coversModel(input, input.key.models) ? 'pass' : 'model_denied';
  },
  detail: (input) => `${nameModel(input)}; in scope: ${nameScope(input.key.record.scopes.models)}`,
  remedy: () => ({ wouldPassIf: 'the scope of the key held the model', who: 'key owner' }),
};

const operation: Check = {
  name: 'operation',
  group: 'scope',
  run({ key, facts }) {
    if (facts.operation === null) return 'skipped';
    return key.operations === null || key.operations.has(facts.operation) ? 'pass' : 'operation_denied';
  },
  detail: ({ key, facts }) =>
    `operation ${facts.operation ?? 'none'}; in scope: ${nameScope(key.record.scopes.operations)}`,
  remedy: () => ({ wouldPassIf: 'the scope of the key held the operation', who: 'key owner' }),
};

const address: Check = {
  name: 'address',
  group: 'address',
  // An address that cannot be read is in no block.
  run: ({ key, facts }) =>
    key.addresses === null || isAddressIn(key.addresses, facts.address) === true ? 'pass' : 'address_denied',
  detail: ({ key, facts }) => `address ${quote(facts.address)}; in scope: ${nameScope(key.record.scopes.addresses)}`,
  remedy: () => ({
    wouldPassIf: 'the call came from an allowed network, or the scope of the key held this one',
    who: 'key owner',
  }),
};

const rate: Check = {
  name: 'rate',
  group: 'rate',
  run: ({ limits }) => checkLimits(limits, 'rate', 'rate_limited'),
  detail: ({ limits }) => nameLimits(limits, 'rate'),
  remedy: ({ limits }) => ({ wouldPassIf: `the call came ${longestWaitMs(limits)} ms later`, who: 'time' }),
};

const concurrency: Check = {
  name: 'concurrency',
  group: 'concurrency',
  run: ({ limits }) => checkLimits(limits, 'concurrency', 'concurrency_limited'),
  detail: ({ limits }) => nameLimits(limits, 'concurrency'),
  remedy: () => ({ wouldPassIf: 'a call of this key that is under way had ended', who: 'caller' }),
};

export const CHECKS: readonly Check[] = [
  secret,
  environment,
  state,
  start,
  expiry,
  secretOverlap,
  application,
  workspace,
  subscription,
  constraints,
  model,
  operation,
  address,
  rate,
  concurrency,
];

/** A model is covered by its resolved name, or by the name the caller used. */
function coversModel({ facts }: DecisionInput, patterns: ModelPatterns): boolean {
  if (facts.model !== null && matchesModel(patterns, facts.model)) return true;
  return facts.requestedModel !== null && matchesModel(patterns, facts.requestedModel);
}

function checkLimits(
  limits: readonly LimitReading[] | null,
  kind: LimitReading['kind'],
  code: ErrorCode,
): CheckOutcome {
  if (limits === null) return 'skipped';
  for (const limit of limits) {
    if (limit.kind === kind && limit.used >= limit.limit) return code;
  }
  return 'pass';
}

function longestWaitMs(limits: readonly LimitReading[] | null): number {
  return Math.max(0, ...(limits ?? []).map((limit) => (limit.kind === 'rate' ? limit.retryAfterMs : 0)));
}

function nameLimits(limits: readonly LimitReading[] | null, kind: LimitReading['kind']): string {
  if (limits === null) return 'not asked';
  const ofKind = limits.filter((limit) => limit.kind === kind);
  if (ofKind.length === 0) return 'no limit';
  return ofKind.map((limit) => `${limit.name}: ${limit.used} of ${limit.limit}`).join(', ');
}

function nameModel({ facts }: DecisionInput): string {
  if (facts.model === null) return 'no model';
  const alias =
    facts.requestedModel === null || facts.requestedModel === facts.model
      ? ''
      : ` (called ${quote(facts.requestedModel)})`;
  return `model ${quote(facts.model)}${alias}`;
}

const NAMES_MAX = 20;

/** A stored scope may have another shape than it should: the `constraints` check refuses it, and this still tells it. */
function nameScope(list: unknown): string {
  if (list === null || list === undefined) return 'not narrowed';
  return Array.isArray(list) ? nameList(list.map(String)) : 'unreadable';
}

function nameList(list: readonly string[]): string {
  if (list.length === 0) return 'nothing';
  const more = list.length > NAMES_MAX ? ` and ${list.length - NAMES_MAX} more` : '';
  return `${list.slice(0, NAMES_MAX).map(quote).join(', ')}${more}`;
}

/** Text of the caller's, cut and escaped. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 120));
}

function formatTime(atMs: number | null, otherwise: string): string {
  if (atMs === null) return otherwise;
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? 'a time that cannot be read' : date.toISOString();
}
