import type { ErrorCode } from '../../errors.ts';
import type { KeyRecord } from '../key-record.ts';
import { acceptedUntilMs } from '../rotate.ts';
import type { Check, CheckOutcome } from './check.ts';
import { formatTime, nounOf } from './wording.ts';

const state: Check = {
  name: 'state',
  group: 'life-cycle',
  run: ({ standing, nowMs }) => stateOutcome(standing.key.record, nowMs),
  detail: ({ standing }) => describeState(standing.key.record),
  remedy({ standing }, code) {
    if (code === 'suspended' || code === 'suspended_automatically') {
      return {
        wouldPassIf: `the ${nounOf(standing.key.record)} were resumed`,
        who: 'key owner',
        fix: { kind: 'resume-key', kid: standing.key.record.kid },
      };
    }
    if (code === 'configuration_error') {
      return {
        wouldPassIf: `this version knew the state of the ${nounOf(standing.key.record)}`,
        who: 'operator',
        fix: null,
      };
    }
    return {
      wouldPassIf: `a new ${nounOf(standing.key.record)} were used: this one cannot come back`,
      who: 'key owner',
      fix: { kind: 'replace-key', kid: standing.key.record.kid },
    };
  },
};

function stateOutcome({ state, suspension }: KeyRecord, nowMs: number): CheckOutcome {
  switch (state) {
    case 'active':
      return 'pass';
    case 'suspended':
      if (suspension !== null && suspension.untilMs !== null && nowMs >= suspension.untilMs) return 'pass';
      return suspension?.automatic === true ? 'suspended_automatically' : 'suspended';
    case 'revoked':
    case 'compromised':
      return state;
    default:
      // A state of a newer version of this program: not known to allow anything.
      return 'configuration_error';
  }
}

function describeState(record: KeyRecord): string {
  const { state, suspension } = record;
  if (state !== 'suspended') return `the ${nounOf(record)} is ${state}`;
  return `the ${nounOf(record)} is suspended ${suspension?.automatic === true ? 'by a rule ' : ''}until ${formatTime(suspension?.untilMs ?? null, 'it is resumed')}`;
}

// The comparisons of times are written so that a NaN refuses.
const start: Check = {
  name: 'start',
  group: 'life-cycle',
  run: ({ standing: { key }, nowMs }) =>
    key.record.notBeforeMs === null || nowMs >= key.record.notBeforeMs ? 'pass' : 'not_yet_active',
  detail: ({ standing }) => `valid from ${formatTime(standing.key.record.notBeforeMs, 'the beginning')}`,
  remedy: ({ standing: { key } }) => ({
    wouldPassIf: `the time were ${formatTime(key.record.notBeforeMs, 'later')} or later`,
    who: 'time',
    fix: { kind: 'wait', untilMs: key.record.notBeforeMs ?? 0 },
  }),
};

const expiry: Check = {
  name: 'expiry',
  group: 'life-cycle',
  run: ({ standing: { key }, nowMs }) =>
    key.record.expiresAtMs === null || nowMs < key.record.expiresAtMs ? 'pass' : 'expired',
  detail: ({ standing }) => `valid until ${formatTime(standing.key.record.expiresAtMs, 'it is revoked')}`,
  remedy: ({ standing: { key } }) => ({
    wouldPassIf: `the expiry of the ${nounOf(key.record)} were moved into the future`,
    who: 'key owner',
    fix: { kind: 'move-expiry', kid: key.record.kid },
  }),
};

const secretOverlap: Check = {
  name: 'secret-overlap',
  group: 'life-cycle',
  run({ matchedSecret, nowMs }) {
    if (matchedSecret === null) return 'skipped';
    if (matchedSecret.notAfterMs === null || nowMs < matchedSecret.notAfterMs) return 'pass';
    return matchedSecret.state === 'superseded' ? 'superseded' : 'rotation_grace_over';
  },
  detail: ({ matchedSecret, standing: { key } }) =>
    matchedSecret === null
      ? 'no secret was proven'
      : `the secret is ${matchedSecret.state}, accepted until ${formatTime(acceptedUntilMs(matchedSecret, key.record.expiresAtMs), 'it is replaced')}`,
  remedy: () => ({
    wouldPassIf: 'the new secret of the key were sent',
    who: 'caller',
    fix: { kind: 'send-current-secret' },
  }),
};

/** A temporary or delegated key lives no longer than what it was minted from. */
const ancestors: Check = {
  name: 'ancestors',
  group: 'life-cycle',
  run({ standing, nowMs }) {
    const last = standing.ancestors.at(-1) ?? standing.key;
    // The chain must end at a key of its own standing.
    if (last.record.parentKid !== null) return 'parent_inactive';
    for (const { record, problem } of standing.ancestors) {
      if (problem !== null || !isUsable(record, nowMs)) return 'parent_inactive';
    }
    return standing.ancestors.length === 0 ? 'skipped' : 'pass';
  },
  detail: ({ standing }) =>
    standing.key.record.parentKid === null
      ? 'the key was minted from no other'
      : standing.ancestors.map(({ record }) => `${record.kid}: ${describeState(record)}`).join(', ') ||
        `the key ${standing.key.record.parentKid} is not there`,
  remedy: ({ standing, nowMs }) => {
    const broken = standing.ancestors.find(({ record }) => !isUsable(record, nowMs));
    return {
      wouldPassIf: 'the key that it was minted from were usable',
      who: 'key owner',
      fix: { kind: 'replace-key', kid: broken?.record.kid ?? standing.key.record.kid },
    };
  },
};

function isUsable(record: KeyRecord, nowMs: number): boolean {
  if (stateOutcome(record, nowMs) !== 'pass') return false;
  if (record.notBeforeMs !== null && !(nowMs >= record.notBeforeMs)) return false;
  return record.expiresAtMs === null || nowMs < record.expiresAtMs;
}

const delegation: Check = {
  name: 'delegation',
  group: 'life-cycle',
  run({ delegation: finding, standing: { key } }) {
    if (finding !== null) return finding.code ?? 'pass';
    // Some keys only sign, and are never accepted themselves.
    return key.record.delegation?.delegateOnly === true ? 'wrong_type' : 'skipped';
  },
  detail: ({ delegation: finding }) => finding?.detail ?? 'the key itself was sent',
  remedy: (_input, code: ErrorCode) => ({
    wouldPassIf:
      code === 'parent_inactive' ? 'the key allowed delegation' : 'a new token were signed by the holder of the key',
    who: code === 'parent_inactive' ? 'key owner' : 'caller',
    fix: { kind: 'sign-new-token' },
  }),
};

export const lifeCycleChecks: readonly Check[] = [state, start, expiry, secretOverlap, ancestors, delegation];
