import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { CredentialError } from '../routing/credential-error.ts';
import { CredentialWatch } from './credential-watch.ts';

const SECRET = 'sk-live-0123456789abcdefghij';

function watching(): { readonly watch: CredentialWatch; readonly told: CredentialError[][] } {
  const told: CredentialError[][] = [];
  return { watch: new CredentialWatch({ tell: (errors) => void told.push([...errors]) }), told };
}

const limited = { kind: 'rate_limited', retryAfterMs: null, perModel: false } as const;

test('a flood of errors is one message with the last of each credential', async () => {
  const { watch, told } = watching();
  for (let i = 0; i < 1_000; i += 1) {
    const use = watch.useOf('ws', `cred_${i % 2}`);
    watch.failed(use, SECRET, { ...limited, status: 429, message: `slow down ${i}` }, i);
  }
  await sleep(400);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject([
    { credentialId: 'cred_0', message: 'slow down 998', status: 429, kind: 'rate_limited' },
    { credentialId: 'cred_1', message: 'slow down 999' },
  ]);
});

test('what says nothing of the credential, or was no answer at all, is not told', () => {
  const { watch, told } = watching();
  const use = watch.useOf('ws', 'cred');
  watch.failed(use, SECRET, { ...limited, kind: 'bad_request', status: 400, message: 'your prompt' }, 1);
  watch.failed(use, SECRET, { ...limited, kind: 'timeout' }, 1);
  watch.flush();
  expect(told).toEqual([]);
});

test('no secret passes, nor a part of one, whatever the provider repeats; and no text is longer than its bound', () => {
  const pair = 'AKIA0123456789ABCDEF:wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE';
  const words = fc.constantFrom(SECRET, pair, ...pair.split(':'), 'bad key ', '"', '\n', '\u001b[31m', 'x'.repeat(400));
  fc.assert(
    fc.property(fc.array(words, { maxLength: 20 }), (parts) => {
      const { watch, told } = watching();
      const use = watch.useOf('ws', 'cred');
      const failure = { ...limited, status: 401, message: parts.join(''), code: parts.join('') } as const;
      for (const secret of [SECRET, pair]) {
        watch.failed(use, secret, failure, 1);
        watch.flush();
        const text = JSON.stringify(told.pop());
        for (const part of [secret, ...secret.split(':')]) expect(text).not.toContain(part);
        expect(text).not.toMatch(/\\n|\\u001b/);
        expect(text.length).toBeLessThan(1_000);
      }
    }),
  );
});

test('calls under way are counted over a change of the configuration', () => {
  const { watch } = watching();
  const before = watch.useOf('ws', 'cred');
  before.underWay += 1;
  expect(watch.useOf('ws', 'cred')).toBe(before);
  before.passed += 2;
  expect(watch.counts('ws', 'cred')).toEqual({ underWay: 1, passed: 2 });
  expect(watch.counts('ws', 'other')).toEqual({ underWay: 0, passed: 0 });
});
