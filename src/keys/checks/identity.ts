import type { Check } from './check.ts';

const secret: Check = {
  name: 'secret',
  group: 'identity',
  run: ({ matchedSecret }) => (matchedSecret === null ? 'secret_mismatch' : 'pass'),
  detail: ({ standing, matchedSecret }) =>
    `the secret that was sent ${matchedSecret === null ? 'is none' : 'is one'} of the ${standing.key.record.secrets.length} that the key has`,
  remedy: () => ({
    wouldPassIf: "the key's own secret were sent",
    who: 'caller',
    fix: { kind: 'send-current-secret' },
  }),
};

const environment: Check = {
  name: 'environment',
  group: 'identity',
  run({ standing, expectedEnvironment }) {
    if (expectedEnvironment === null) return 'skipped';
    return standing.key.record.environment === expectedEnvironment ? 'pass' : 'wrong_environment';
  },
  detail: ({ standing, expectedEnvironment }) =>
    `the key is for ${standing.key.record.environment}, expected is ${expectedEnvironment ?? 'any'}`,
  remedy: ({ standing, expectedEnvironment }) => ({
    wouldPassIf: `a ${expectedEnvironment ?? ''} key were sent`,
    who: 'caller',
    fix: { kind: 'use-environment', environment: standing.key.record.environment },
  }),
};

export const identityChecks: readonly Check[] = [secret, environment];
