import { describe, expect, test } from 'vitest';
import { RequestFault } from './faults.ts';
import type { Place } from './request-members.ts';
import {
  anyMember,
  booleanMember,
  countMember,
  extraMember,
  listMember,
  numberMember,
  pathOf,
  recordAt,
  recordMember,
  recordsMember,
  requiredList,
  requiredRecord,
  requiredRecords,
  requiredText,
  textMember,
  textsMember,
  wholeMember,
} from './request-members.ts';

const body = (json: string): Place => recordAt(JSON.parse(json), '');
const inner = (json: string): Place => recordAt(JSON.parse(json), 'messages[0]');

/** Field and sentence of the fault. */
function faultOf(read: () => unknown): readonly [string, string] | null {
  try {
    read();
    return null;
  } catch (error) {
    if (error instanceof RequestFault) return [error.field, error.message];
    throw error;
  }
}

type Reader = (place: Place, name: string) => unknown;
const itself: Reader = (place, name) => recordsMember(place, name, pathAt);
const OPTIONAL: readonly (readonly [string, Reader, string, unknown])[] = [
  ['textMember', textMember, '"a"', 'a'],
  ['numberMember', numberMember, '1.5', 1.5],
  ['wholeMember', wholeMember, '-1', -1],
  ['countMember', countMember, '0', 0],
  ['booleanMember', booleanMember, 'false', false],
  ['recordMember', recordMember, '{"b":1}', { value: { b: 1 }, path: 'messages[0].a' }],
  ['listMember', listMember, '[1,"b"]', [1, 'b']],
  ['recordsMember', itself, '[{},{}]', ['messages[0].a[0]', 'messages[0].a[1]']],
  ['textsMember', textsMember, '["b",""]', ['b', '']],
];

describe('a member', () => {
  test.each(OPTIONAL)('is read by %s with its place', (_, read, json, value) => {
    expect(read(inner(`{"a":${json}}`), 'a')).toEqual(value);
  });

  test.each(OPTIONAL)('that is null is as good as absent to %s', (_, read) => {
    const absent = read(body('{}'), 'a');
    expect(absent ?? []).toEqual([]);
    expect(read(body('{"a":null}'), 'a')).toEqual(absent);
  });

  test.each([
    ['textMember', textMember, '1', 'a string'],
    ['numberMember', numberMember, '"1"', 'a number'],
    ['wholeMember', wholeMember, '1.5', 'a whole number'],
    ['wholeMember', wholeMember, '1e300', 'a whole number'],
    ['countMember', countMember, '-1', 'a whole number from 0'],
    ['booleanMember', booleanMember, '"true"', 'true or false'],
    ['recordMember', recordMember, '[]', 'an object'],
    ['listMember', listMember, '{}', 'a list'],
    ['recordsMember', itself, '{}', 'a list'],
    ['textsMember', textsMember, '"b"', 'a list'],
    ['requiredText', requiredText, 'null', 'a string'],
    ['requiredRecord', requiredRecord, 'null', 'an object'],
    ['requiredList', requiredList, 'null', 'a list'],
    ['requiredRecords', (place: Place, name: string) => requiredRecords(place, name, pathAt), 'null', 'a list'],
  ])('of another type is named in the fault of %s', (_, read, json, what) => {
    const field = 'messages[0].a';
    expect(faultOf(() => read(inner(`{"a":${json}}`), 'a'))).toEqual([field, `"${field}" must be ${what}.`]);
  });

  test('of a list is named by its position', () => {
    const places = body('{"a":[{},1],"b":["",{}]}');
    expect(faultOf(() => itself(places, 'a'))).toEqual(['a[1]', '"a[1]" must be an object.']);
    expect(faultOf(() => textsMember(places, 'b'))).toEqual(['b[1]', '"b[1]" must be a string.']);
  });

  test('that only the prototype has is absent', () => {
    for (const name of ['toString', 'constructor', '__proto__']) expect(anyMember(body('{}'), name)).toBeUndefined();
    expect(textMember(body('{"__proto__":"a"}'), '__proto__')).toBe('a');
  });
});

test('objects of a list are read one after the other: the first fault is told', () => {
  const read = (): unknown => recordsMember(body('{"a":[{"b":1},2]}'), 'a', (item) => requiredText(item, 'b'));
  expect(faultOf(read)?.[0]).toBe('a[0].b');
});

test('a path begins at the body', () => {
  expect(pathOf(body('{}'), 'a')).toBe('a');
  expect(pathOf(inner('{}'), 'a')).toBe('messages[0].a');
});

test('extraMember is no member where nothing is left over', () => {
  expect(extraMember({})).toEqual({});
  expect(extraMember({ a: null })).toEqual({ extra: { a: null } });
});

function pathAt({ path }: Place): string {
  return path;
}
