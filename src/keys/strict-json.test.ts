import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseStrictJson } from './strict-json.ts';

function refused(text: string): string {
  const parsed = parseStrictJson(text);
  return parsed.ok ? 'accepted' : parsed.reason;
}

describe('strict JSON', () => {
  const leaf = fc.oneof(fc.string({ unit: 'grapheme' }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null));
  const objectOf = <T>(value: fc.Arbitrary<T>) => fc.dictionary(fc.string({ unit: 'grapheme' }), value, { maxKeys: 4 });
  const listOrLeaf = fc.oneof(leaf, fc.array(leaf));
  const nested = objectOf(fc.oneof(listOrLeaf, objectOf(fc.oneof(listOrLeaf, fc.array(objectOf(listOrLeaf))))));

  test('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(nested, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
      }),
    );
  });

  test('accepts nothing that JSON.parse refuses', () => {
    const pieces = fc.constantFrom(...'{}[]:,"\\u0d8n1-.e \t'.split(''), 'true', 'null', '"a"', '{"a":1}');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const parsed = parseStrictJson(text);
        if (parsed.ok) expect(JSON.parse(text)).toEqual(parsed.value);
      }),
      { numRuns: 3000 },
    );
  });

  test.each(['{"a":1,"a":1}', '{"a":{"b":1,"\\u0062":2}}', '{"a":[{"b":1,"b":1}]}', '{"__proto__":1,"__proto__":2}'])(
    '%s holds a member twice',
    (text) => {
      expect(refused(text)).toContain('twice');
    },
  );

  test.each([
    '1.5',
    '1.0',
    '1e3',
    '1e999',
    '-0',
    '01',
    'NaN',
    'Infinity',
    '9007199254740993',
    '12345678901234567',
    '+1',
  ])('the number %s is refused', (text) => {
    expect(refused(text)).not.toBe('accepted');
    expect(refused(`{"a":${text}}`)).not.toBe('accepted');
  });

  test('a fifth object in objects, and a list directly in a list, are too deep', () => {
    expect(refused('{"a":{"a":{"a":{}}}}')).toBe('accepted');
    expect(refused('{"a":{"a":{"a":{"a":{}}}}}')).toContain('deep');
    expect(refused('[{"a":[{"a":[{"a":[{"a":[1]}]}]}]}]')).toBe('accepted');
    expect(refused('{"a":[[1]]}')).toContain('directly');
    expect(refused('['.repeat(100_000))).toContain('directly');
    expect(refused('{"a":'.repeat(100_000))).toContain('deep');
  });

  test('half of a surrogate pair is refused, a whole one is not', () => {
    expect(refused('"\\ud800"')).toContain('surrogate');
    expect(refused('{"\\udc00":1}')).toContain('surrogate');
    expect(parseStrictJson('"\\ud83d\\ude00"')).toEqual({ ok: true, value: '😀' });
  });

  test.each([
    '',
    ' ',
    '{} {}',
    '{}x',
    '\ufeff{}',
    '{"a":1,}',
    '[1,]',
    "{'a':1}",
    '{a:1}',
    '"\n"',
    '"a',
    '{"a"}',
    '/**/{}',
  ])('%j is no JSON', (text) => {
    expect(refused(text)).not.toBe('accepted');
  });

  test('a member of the name __proto__ is a member and changes no prototype', () => {
    const parsed = parseStrictJson('{"__proto__":{"admin":1}}');
    expect(parsed.ok && Object.keys(parsed.value as object)).toEqual(['__proto__']);
  });
});
