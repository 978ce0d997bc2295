import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findRepeatedMember } from './json-repeats.ts';

test.each<[json: string, path: string | null]>([
  ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', null],
  ['{"a":1,"a":2}', 'a'],
  ['{"a":"a","b":"a"}', null],
  ['{ "limits" : { "budgets" : [ {"usd":1}, {"usd":1, "period":"day", "usd":2} ] } }', 'limits.budgets[1].usd'],
  ['{"name":1,"n\\u0061me":2}', 'name'],
  ['{"a\\"":1,"b":"\\\\","a\\"":2}', 'a"'],
  ['{"a":"{\\"a\\":1","b":"],","c":{}}', null],
  ['[[],{},[{"x":1,"x":1}]]', '[2][0].x'],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ['{"A":1,"a":2}', null],
  ['"a"', null],
])('in %s the repeated member is %s', (json, path) => {
  expect(findRepeatedMember(json)).toBe(path);
});

test('what JSON.stringify writes repeats nothing, and a member put in once more is found', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (value) => {
      const json = JSON.stringify(value, null, 1);
      expect(findRepeatedMember(json)).toBeNull();
      const [name = ''] = Object.keys(value);
      expect(findRepeatedMember(`${json.slice(0, -1)},${JSON.stringify(name)}:null}`)).not.toBeNull();
    }),
  );
});

test('a document of a megabyte that is as deep as it is long is read at once', () => {
  const deep = '[{"a":'.repeat(170_000);
  expect(findRepeatedMember(`${deep}1${'}]'.repeat(170_000)}`)).toBeNull();
});
