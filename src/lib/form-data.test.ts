import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFormType, readForm } from './form-data.ts';
import type { FormDocument } from './form-data.ts';

const TYPE = 'multipart/form-data; boundary=edge';

function part(head: string, content: string): string {
  return `--edge\r\n${head}\r\n\r\n${content}\r\n`;
}

function field(name: string, content: string): string {
  return part(`Content-Disposition: form-data; name="${name}"`, content);
}

function read(text: string | Buffer, type = TYPE): FormDocument {
  const result = readForm(Buffer.from(text), type);
  if (!result.ok) throw new Error(result.message);
  return result.form;
}

function refusal(text: string | Buffer, type = TYPE): string {
  const result = readForm(Buffer.from(text), type);
  return result.ok ? 'accepted' : result.message;
}

function contents(body: Buffer, form: FormDocument): readonly (readonly [string, boolean, string])[] {
  return form.fields.map(({ name, isFile, from, to }) => [name, isFile, body.toString('latin1', from, to)]);
}

describe('a form is read', () => {
  test('field by field, with what is empty, has line ends, or is a file', () => {
    const body = Buffer.from(
      field('model', 'a/b') +
        field('prompt', '') +
        field('text', 'one\r\ntwo\n--edg') +
        part('content-disposition:form-data; name=file; filename="a \\b.wav"\r\nContent-Type: audio/wav', '\0\x01') +
        '--edge--\r\n',
    );
    expect(contents(body, read(body))).toEqual([
      ['model', false, 'a/b'],
      ['prompt', false, ''],
      ['text', false, 'one\r\ntwo\n--edg'],
      ['file', true, '\0\x01'],
    ]);
  });

  test('as every client writes it: the bytes that Node makes of FormData', async () => {
    const form = new FormData();
    form.append('model', 'sandbox/echo');
    form.append('file', new Blob([Buffer.from([1, 2, 3, 13, 10])]), 'a "quoted" name.wav');
    const request = new Request('http://localhost', { method: 'POST', body: form });
    const body = Buffer.from(await request.arrayBuffer());
    expect(contents(body, read(body, request.headers.get('content-type') ?? ''))).toEqual([
      ['model', false, 'sandbox/echo'],
      ['file', true, '\u0001\u0002\u0003\r\n'],
    ]);
  });

  test.each([
    'multipart/form-data; boundary="edge"',
    'Multipart/Form-Data;boundary=edge;charset=UTF-8',
    'multipart/form-data ; charset=utf-8; boundary=edge ',
  ])('with the boundary of %s', (type) => {
    expect(isFormType(type)).toBe(true);
    expect(read(`${field('a', 'b')}--edge--`, type).fields).toHaveLength(1);
  });

  test('also with a boundary that should have had quotes', () => {
    const body = `--a:b/c\r\nContent-Disposition: form-data; name=x\r\n\r\ny\r\n--a:b/c--\r\n`;
    expect(read(body, 'multipart/form-data; boundary=a:b/c').fields).toHaveLength(1);
  });

  test.each(['model', 'Model', ' model', 'model[]', 'model[x]'])(
    'and a second field %j makes the first ambiguous',
    (name) => {
      expect(read(`${field('model', 'a')}${field(name, 'b')}--edge--`).find('model')).toBe('duplicate');
    },
  );

  test('and a name of other letters is not the one that is looked for', () => {
    const form = read(`${field('Model', 'a')}--edge--`);
    expect(form.find('model')).toBeUndefined();
    expect(read('--edge--').find('model')).toBeUndefined();
  });
});

describe('a form is refused', () => {
  test.each([
    ['without a boundary', 'multipart/form-data'],
    ['with an empty one', 'multipart/form-data; boundary='],
    ['with two', 'multipart/form-data; boundary=edge; boundary=other'],
    ['with one in another spelling', 'multipart/form-data; boundary*=edge'],
    ['with one that is too long', `multipart/form-data; boundary=${'x'.repeat(71)}`],
    ['with a charset that would spell the fields otherwise', 'multipart/form-data; boundary=edge; charset=utf-16'],
    ['with a type of absurd length', `multipart/form-data; boundary=edge${' '.repeat(10_000)}`],
  ])('%s', (_name, type) => {
    expect(refusal(`${field('a', 'b')}--edge--`, type)).toMatch(/"boundary"/);
  });

  const good = field('a', 'b');
  test.each([
    ['that is empty', '', /does not begin/],
    ['with text in front', `hello\r\n${good}--edge--`, /does not begin/],
    ['that does not end', good, /followed by something else|closing boundary/],
    ['that ends in a part', `--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\nb`, /closing boundary/],
    ['with something behind it', `${good}--edge--\r\nmore`, /behind/],
    ['with a longer boundary inside', `${field('a', 'x\r\n--edges\r\ny')}--edge--`, /something else/],
    ['with a boundary behind a lone line feed', `${field('a', 'x\n--edge\ny')}--edge--`, /within a line/],
    ['with a boundary in a line', `${field('a', 'x--edge')}--edge--`, /within a line/],
    ['with blanks behind the boundary', `${good}--edge \r\n--edge--`, /something else/],
    ['without header lines', '--edge\r\n\r\nb\r\n--edge--', /Content-Disposition|header lines/],
    ['without an empty line', '--edge\r\nContent-Disposition: form-data; name="a"\r\n--edge--', /header lines/],
    ['without a name', `${part('Content-Disposition: form-data', 'b')}--edge--`, /with a name/],
    ['with a name twice', `${part('Content-Disposition: form-data; name="a"; name="b"', '')}--edge--`, /with a name/],
    [
      'with an extended name',
      `${part("Content-Disposition: form-data; name=a; name*=utf-8''b", '')}--edge--`,
      /with a name/,
    ],
    [
      'with a quote behind a backslash',
      `${part('Content-Disposition: form-data; filename="\\"; name="a"; x=""', '')}--edge--`,
      /with a name/,
    ],
    [
      'with an escape in a name',
      `${part('Content-Disposition: form-data; name="mo\\del"', '')}--edge--`,
      /with a name/,
    ],
    [
      'with two dispositions',
      `${part('Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b', '')}--edge--`,
      /one plain/,
    ],
    ['with another disposition', `${part('Content-Disposition: attachment; name="a"', '')}--edge--`, /one plain/],
    ['with a folded line', `${part('Content-Disposition: form-data;\r\n name="a"', '')}--edge--`, /one plain/],
    [
      'with a lone line feed in a header',
      `${part('Content-Disposition: form-data; name="a"\nX: y', '')}--edge--`,
      /one plain/,
    ],
    [
      'with an encoding',
      `${part('Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64', 'eA==')}--edge--`,
      /one plain/,
    ],
    [
      'with more header lines than belong there',
      `${part(`X: ${'y'.repeat(9000)}\r\nContent-Disposition: form-data; name=a`, '')}--edge--`,
      /header lines/,
    ],
    ['with a thousand fields and one', `${good.repeat(1001)}--edge--`, /1000 fields/],
  ])('%s', (_name, body, reason) => {
    expect(refusal(body)).toMatch(reason);
  });
});

const boundaries = fc.stringMatching(/^[0-9A-Za-z'()+_,./:=?-]{20,70}$/);
const names = fc.stringMatching(/^[a-z_[\]]{1,12}$/);
const values = fc.uint8Array({ maxLength: 200 });

describe('whatever the bytes', () => {
  test('a form that was written is read as it was, and its spans are its contents', () => {
    fc.assert(
      fc.property(boundaries, fc.array(fc.tuple(names, fc.boolean(), values), { maxLength: 8 }), (boundary, fields) => {
        const body = Buffer.concat([
          ...fields.flatMap(([name, isFile, value]) => [
            Buffer.from(
              `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${isFile ? '; filename="f"' : ''}\r\n\r\n`,
            ),
            value,
            Buffer.from('\r\n'),
          ]),
          Buffer.from(`--${boundary}--\r\n`),
        ]);
        const form = read(body, `multipart/form-data; boundary="${boundary}"`);
        expect(contents(body, form)).toEqual(
          fields.map(([name, isFile, value]) => [name, isFile, Buffer.from(value).toString('latin1')]),
        );
      }),
    );
  });

  test('nothing throws, and every span lies between two boundaries', () => {
    const pieces = fc.constantFrom(
      '--edge',
      '--edge--',
      '\r\n',
      '\n',
      'Content-Disposition: form-data; name="a"',
      '; name=b',
      '"',
      '\\',
      'x',
      ':',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const body = Buffer.from(parts.join(''));
        const result = readForm(body, TYPE);
        if (!result.ok) return;
        for (const { from, to } of result.form.fields) {
          expect(body.toString('latin1', from - 4, from)).toBe('\r\n\r\n');
          expect(body.toString('latin1', to, to + 8)).toBe('\r\n--edge');
          expect(body.subarray(from, to).includes('--edge')).toBe(false);
        }
      }),
    );
  });

  test('a large body is read in time that grows with its length', () => {
    const file = Buffer.alloc(16 * 1024 * 1024, '\r\n--edg');
    const body = Buffer.concat([
      Buffer.from(part('Content-Disposition: form-data; name=f; filename=g', '').slice(0, -2)),
      file,
      Buffer.from('\r\n--edge--'),
    ]);
    const startedAt = performance.now();
    expect(read(body).fields).toHaveLength(1);
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});
