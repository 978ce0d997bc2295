import { describe, expect, test } from 'vitest';
import { findCredential } from './find-credential.ts';
import { readRequestHead } from './request-head.ts';

function find(headers: readonly string[], query = '', allowKeyInQuery = false): string {
  const head = readRequestHead({ target: `/x${query}`, headers: ['host', 'a', ...headers] });
  if ('code' in head) return head.code;
  const found = findCredential(head, allowKeyInQuery);
  return typeof found === 'string' ? `key ${found}` : found.code;
}

describe('one key is taken from any of its places', () => {
  test.each([
    [['authorization', 'Bearer k']],
    [['authorization', 'bearer k']],
    [['authorization', 'Bearer  k ']],
    [['x-api-key', 'k']],
    [['api-key', 'k']],
    [['x-goog-api-key', 'k']],
    [['authorization', 'Bearer k', 'x-api-key', 'k']],
  ])('%j', (headers) => {
    expect(find(headers)).toBe('key k');
  });
});

test('two different keys are refused wherever they stand', () => {
  expect(find(['authorization', 'Bearer a', 'x-api-key', 'b'])).toBe('multiple_credentials');
  expect(find(['api-key', 'a', 'x-goog-api-key', 'b'])).toBe('multiple_credentials');
  expect(find(['api-key', 'a'], '?key=b', true)).toBe('multiple_credentials');
});

test('a key in the query is refused unless the operator allows it, also beside a good one', () => {
  expect(find([], '?key=k')).toBe('credential_in_query');
  expect(find(['api-key', 'k'], '?a=1&key=k')).toBe('credential_in_query');
  expect(find([], '?a=1&key=k', true)).toBe('key k');
  expect(find([], '?monkey=k')).toBe('missing_credential');
});

test('no key is told from another kind of authorization', () => {
  expect(find([])).toBe('missing_credential');
  expect(find(['authorization', 'Basic abcdefgh'])).toBe('missing_credential');
  expect(find(['authorization', 'Bearer'])).toBe('missing_credential');
});
