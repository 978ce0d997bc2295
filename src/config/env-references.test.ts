import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expandReferences } from './env-references.ts';

const env = { KEY: 'value', EMPTY: '', NESTED: '${KEY}' };

test('references are filled in, once, anywhere in the text', () => {
  expect(expandReferences('a${KEY}b${KEY}', env)).toEqual({ ok: true, text: 'avaluebvalue' });
  expect(expandReferences('${EMPTY}', env)).toEqual({ ok: true, text: '' });
  expect(expandReferences('${NESTED}', env)).toEqual({ ok: true, text: '${KEY}' });
  expect(expandReferences('$${KEY} $$ $KEY {KEY}', env)).toEqual({ ok: true, text: '${KEY} $$ $KEY {KEY}' });
});

test('a variable that is not set is named, a malformed reference is not repeated', () => {
  expect(expandReferences('sk-secret ${MISSING}', env)).toEqual({
    ok: false,
    reason: 'refers to the environment variable MISSING, which is not set',
  });
  for (const text of ['sk-secret ${', '${KEY', '${}', '${sk-secret}', '${KEY:-x}', '${ KEY }']) {
    const result = expandReferences(text, env);
    expect([text, result.ok]).toEqual([text, false]);
    expect(JSON.stringify(result)).not.toContain('sk-secret');
  }
});

test('text without "${" is left as it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.includes('${'));
      expect(expandReferences(text, env)).toEqual({ ok: true, text });
    }),
  );
});
