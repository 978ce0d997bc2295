import { expect, test } from 'vitest';
import { generateKey } from '../keys/format.ts';
import { VENDOR_KEY_SHAPES } from '../keys/foreign-credential.ts';
import { withoutAccounts, withoutSecrets } from './without-secrets.ts';

test('of a key of ours, whole or cut off, the fingerprint is left', () => {
  const { text, fingerprint } = generateKey({ type: 'kwk', environment: 'live' });
  expect(withoutSecrets(text)).toBe(fingerprint);
  expect(withoutSecrets(text.slice(0, 40))).toBe(fingerprint);
  expect(withoutSecrets(`/v1/${text}/x?${text}`)).toBe(`/v1/${fingerprint}/x?${fingerprint}`);
});

test('of a key of any vendor the published prefix is left', () => {
  for (const { prefix, lengthMin } of VENDOR_KEY_SHAPES) {
    const key = prefix + 'a1'.repeat(40).slice(0, lengthMin - prefix.length);
    expect(withoutSecrets(key)).toBe(prefix);
    expect(withoutSecrets(`agent/1 (${key})`)).toBe(`agent/1 (${prefix})`);
  }
});

test('names of models, paths and agents stay as they are', () => {
  const texts = [
    'anthropic/claude-sonnet-4-5-20250929',
    'house/task-force-instruct-70b-preview',
    '/v1/messages/count_tokens',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
  ];
  for (const text of texts) expect(withoutSecrets(text)).toBe(text);
});

test('of a key that was signed offline the id of its parent is left', () => {
  const token = `kwd_2rTx0Aa91LmQ_${'a'.repeat(40)}.${'b-_'.repeat(40)}.${'c'.repeat(86)}`;
  expect(withoutSecrets(`agent ${token}, or so`)).toBe('agent kwd_2rTx0Aa91LmQ, or so');
});

test('of the account of a vendor the kind is left, and texts that name none stay as they are', () => {
  expect(withoutAccounts(`org-${'Ab3'.repeat(8)} arn:aws:iam::123456789012:user/x project 123456789`)).toBe(
    'org- arn:aws:iam:::user/x project ',
  );
  const plain = 'The org-chart of project 7 names user_id and max_tokens 123456789012.';
  expect(withoutAccounts(plain)).toBe(plain);
});
