import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { scanJson } from './json-scan.ts';

function accepts(text: string | Buffer): boolean {
  return scanJson(Buffer.from(text), { depthMax: 256, entriesMax: 100_000 }).ok;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function valueOf(text: string, name: string): unknown {
  const body = Buffer.from(text);
  const scan = scanJson(body);
  if (!scan.ok) throw new Error(scan.message);
  const span = scan.document.find(name);
  if (span === undefined || span === 'duplicate') return span;
  return JSON.parse(body.toString('utf8', span.from, span.to));
}

/** Typed, unlike the matcher itself. */
function holding(text: string): unknown {
  return expect.stringContaining(text);
}

const anyJson = fc.oneof(
  fc.json({ maxDepth: 6, stringUnit: 'binary' }),
  fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.stringify(value, null, '\t')),
  fc
    .array(fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 200 }), fc.double()))
    .map((value) => JSON.stringify({ a: value, long: value.join('').repeat(3) }, null, 1)),
);

const mutation = fc.record({
  at: fc.nat(),
  remove: fc.integer({ min: 0, max: 3 }),
  insert: fc.oneof(
    fc.constantFrom(
      '',
      '"',
      '\\',
      '\\u12',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      'e',
      '.',
      '+',
      '\n',
      '\0',
      '\x1f',
      'tru',
      '\x7f',
      '/',
      'null',
    ),
    fc.string({ maxLength: 3 }),
  ),
});

describe('a document is accepted exactly if JSON.parse accepts its text', () => {
  test('for valid documents', () => {
    fc.assert(
      fc.property(anyJson, (text) => accepts(text)),
      { numRuns: 500 },
    );
  });

  test('for mutated documents', () => {
    fc.assert(
      fc.property(anyJson, fc.array(mutation, { minLength: 1, maxLength: 3 }), (text, mutations) => {
        let mutated = text;
        for (const { at, remove, insert } of mutations) {
          const place = at % (mutated.length + 1);
          mutated = mutated.slice(0, place) + insert + mutated.slice(place + remove);
        }
        // Cut surrogate pairs cannot be written as UTF-8.
        mutated = mutated.toWellFormed();
        expect(accepts(mutated)).toBe(parses(mutated));
      }),
      { numRuns: 3000 },
    );
  });

  test('wherever a control byte, a quote or a backslash stands in a long string', () => {
    for (const special of ['\n', '\x1f', '\x7f', '"', '\\', '\\"', '\\n', '\\\\', '\\x', '\\u00e', 'é', '€', '😀']) {
      for (let before = 0; before < 140; before++) {
        const text = `{"text":"${'x'.repeat(before)}${special}${'y'.repeat(60)}"}`;
        expect(accepts(text), JSON.stringify(text)).toBe(parses(text));
      }
    }
  });

  test.each([
    '',
    ' ',
    '{',
    '}',
    '[',
    '{}',
    '[]',
    '[,]',
    '[1,]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '{"a":1 "b":2}',
    '[1 2]',
    '{]',
    '[}',
    '[{]}',
    '01',
    '-',
    '-0',
    '-01',
    '1.',
    '.5',
    '1.5e',
    '1e+',
    '1e999',
    '1E-2',
    '+1',
    '0x1',
    'NaN',
    'Infinity',
    'true',
    'truex',
    'tru',
    'nul',
    'falsee',
    '"',
    '"\\"',
    '"\\u00"',
    '"\\ud800"',
    '"\\U0041"',
    "'a'",
    '\ufeff{}',
    '{}x',
    '{} {}',
    '\v1',
    '\u00a01',
    '/**/1',
    '[[[[]]]]',
    '{"a":{"b":[{}]}}',
  ])('%j', (text) => {
    expect(accepts(text)).toBe(parses(text));
  });
});

describe('the outermost members', () => {
  test('are found with their values', () => {
    const text = '{ "a" : [1, {"model": 2}] ,"model":"x\\"y", "n": -1.5e3 ,"o":{"p":{}} , "e":[] }';
    expect(valueOf(text, 'a')).toEqual([1, { model: 2 }]);
    expect(valueOf(text, 'model')).toBe('x"y');
    expect(valueOf(text, 'n')).toBe(-1500);
    expect(valueOf(text, 'o')).toEqual({ p: {} });
    expect(valueOf(text, 'e')).toEqual([]);
    expect(valueOf(text, 'p')).toBeUndefined();
  });

  test('are all found, whatever the document', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 8 }),
        (value) => {
          const text = JSON.stringify(value);
          fc.pre(text.isWellFormed());
          for (const [name, member] of Object.entries(JSON.parse(text) as object)) {
            if (name.isWellFormed()) expect(valueOf(text, name)).toEqual(member);
          }
        },
      ),
    );
  });

  test('count as duplicates also when one name is written with escapes', () => {
    expect(valueOf('{"model":1,"model":2}', 'model')).toBe('duplicate');
    expect(valueOf('{"model":1,"\\u006dodel":2}', 'model')).toBe('duplicate');
    expect(valueOf('{"\\u006d\\u006Fdel":2}', 'model')).toBe(2);
    expect(valueOf('{"mod\\u0065l":1,"a":{"model":2}}', 'model')).toBe(1);
    expect(valueOf('{"é":1}', 'é')).toBe(1);
    expect(valueOf('{"é":1}', '\u00c3\u00a9')).toBeUndefined();
    expect(valueOf('{"a\\b":1}', 'a\\b')).toBeUndefined();
    expect(valueOf('{"":1}', '')).toBe(1);
  });

  test('count as duplicates also when they differ only in case, as Go reads them', () => {
    for (const other of ['Model', 'MODEL', 'mode\\u004c']) {
      expect(valueOf(`{"model":1,"${other}":2}`, 'model')).toBe('duplicate');
      expect(valueOf(`{"${other}":2,"model":1}`, 'model')).toBe('duplicate');
      expect(valueOf(`{"${other}":2}`, 'model')).toBeUndefined();
    }
    expect(valueOf('{"stream":1,"\u017ftream":2}', 'stream')).toBe('duplicate');
    expect(valueOf('{"model":1,"models":2,"mode|":3,"-odel":4}', 'model')).toBe(1);
  });

  test('are refused above the bound on their number', () => {
    const members = Array.from({ length: 257 }, (_, index) => `"m${index}":${index}`);
    expect(scanJson(Buffer.from(`{${members.slice(1).join()}}`)).ok).toBe(true);
    expect(scanJson(Buffer.from(`{${members.join()}}`))).toMatchObject({ ok: false, message: holding('256 members') });
  });

  test('of an array are its elements', () => {
    const body = Buffer.from(' [1, "two" ,{"three":[3]},[] ] ');
    const scan = scanJson(body);
    expect(scan.ok && scan.document.kind).toBe('[');
    const texts = scan.ok ? scan.document.entries().map(({ from, to }) => body.toString('utf8', from, to)) : [];
    expect(texts).toEqual(['1', '"two"', '{"three":[3]}', '[]']);
  });
});

describe('hostile documents', () => {
  test('deeper than the bound are refused, with the position', () => {
    expect(scanJson(Buffer.from('['.repeat(64) + ']'.repeat(64))).ok).toBe(true);
    expect(scanJson(Buffer.from('['.repeat(65) + ']'.repeat(65)))).toMatchObject({ ok: false, offset: 64 });
    expect(scanJson(Buffer.from('{"a":'.repeat(1_000_000)))).toMatchObject({ ok: false, offset: 320 });
  });

  test('with invalid UTF-8 are refused', () => {
    expect(accepts(Buffer.from([0x22, 0xc0, 0xaf, 0x22]))).toBe(false);
    expect(accepts(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toBe(false);
    expect(accepts(Buffer.from([0x22, 0xe2, 0x82, 0x22]))).toBe(false);
  });

  test('with many long strings or escapes take linear time', () => {
    const run = 'x'.repeat(200);
    const started = performance.now();
    expect(accepts(`[${`"${run}",`.repeat(50_000)}""]`)).toBe(true);
    expect(accepts(`"${`${run}\\n`.repeat(50_000)}"`)).toBe(true);
    // Well under a second when linear; some ten when every search runs to the end of the document.
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('are told by position and cause', () => {
    expect(scanJson(Buffer.from('{"a":1,]'))).toEqual({ ok: false, offset: 7, message: 'unexpected "]" (at byte 7)' });
    expect(scanJson(Buffer.from('{"a":"b'))).toEqual({
      ok: false,
      offset: 7,
      message: 'it ends too early (at byte 7)',
    });
    expect(scanJson(Buffer.from('["a\nb"]'))).toMatchObject({ offset: 3, message: holding('control character') });
    expect(scanJson(Buffer.alloc(0))).toMatchObject({ ok: false, message: holding('empty') });
  });
});

test('what members take is the same whatever stands between them, and without those that do not count', () => {
  const bytes = (text: string): number | null => {
    const scan = scanJson(Buffer.from(text));
    return scan.ok ? scan.document.bytesBesides(['stream', 'other']) : null;
  };
  expect(bytes('{"a":1,"b":[1,2]}')).toBe('"a":1'.length + '"b":[1,2]'.length);
  for (const text of ['{"a":1,"stream":true,"b":[1,2]}', '{ "a":1,\n"b":[1,2],\n"other":{},"\\u0073tream":false }'])
    expect(bytes(text)).toBe(bytes('{"a":1,"b":[1,2]}'));
  expect(bytes('{}')).toBe(0);
});
