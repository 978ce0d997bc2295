import { describe, expect, test } from 'vitest';
import type { ChatRequest, FunctionTool, MediaPart } from './canonical.ts';
import { checkMedia, withTrueTypes } from './check-media.ts';
import { checkRequest } from './check-request.ts';
import { wrongTypeIn } from './check-schema.ts';
import { RequestFault } from './faults.ts';
import { Report } from './report.ts';
import { BLANK_REQUEST } from './request-fixture.ts';

function base64(...pieces: readonly (string | readonly number[])[]): string {
  const bytes = pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : Buffer.from(piece)));
  return Buffer.concat(bytes).toString('base64');
}

const PNG = base64('\x89PNG\r\n\x1a\n', '\0\0\0\rIHDR');
const JPEG = base64([0xff, 0xd8, 0xff, 0xe0]);
const HEIF = base64('\0\0\0\x18ftypmif1');

function medium(kind: MediaPart['kind'], data: string, mediaType: string | null): MediaPart {
  return { kind, source: { kind: 'base64', data }, mediaType };
}

function asking(part: MediaPart): ChatRequest {
  return {
    ...BLANK_REQUEST,
    extraOf: 'openai',
    turns: [{ role: 'user', parts: [{ kind: 'text', text: 'Look.' }, part] }],
  };
}

function faultOf(act: () => void): RequestFault | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof RequestFault) return error;
    throw error;
  }
}

describe('bytes of media', () => {
  test.each<readonly [string, MediaPart]>([
    ['characters that are not of base64', medium('image', `${PNG.slice(0, 8)}-_${PNG.slice(8)}`, 'image/png')],
    ['padding in the middle', medium('file', 'AA==BBBB', 'text/plain')],
    ['one character too many', medium('audio', 'AAAAB', 'audio/wav')],
    ['nothing', medium('file', '', 'application/pdf')],
    ['an image that is a film', medium('image', base64('\0\0\0\x18ftypisom'), 'image/png')],
    ['a PDF that is an image', medium('file', PNG, 'application/pdf')],
  ])('are refused where they are %s', (_name, part) => {
    expect(faultOf(() => checkMedia(asking(part), 'anthropic'))?.field).toBe('messages[0].content[1]');
  });

  test.each<readonly [string, MediaPart]>([
    ['without padding', medium('image', PNG.replaceAll('=', ''), 'image/png')],
    ['with line breaks', medium('image', `${PNG.slice(0, 8)}\n${PNG.slice(8)}`, 'image/png')],
    ['a PDF with a few bytes before its mark', medium('file', base64('\n\n%PDF-1.4'), 'application/pdf')],
    ['a text', medium('file', base64('Hello'), 'text/plain')],
    ['sound that has no mark', medium('audio', 'AAAA', 'audio/pcm')],
    ['an image as phones write it', medium('image', HEIF, 'image/heic')],
  ])('pass %s', (_name, part) => {
    expect(faultOf(() => checkMedia(asking(part), 'anthropic'))).toBeNull();
  });

  test('are looked through in time that grows with them only', () => {
    const part = medium('file', `${'AAAA'.repeat(5_000_000)}==`, null);
    expect(faultOf(() => checkMedia(asking(part), 'gemini'))).toBeNull();
  });
});

describe('the type of an image', () => {
  test.each([
    ['image/png', JPEG, 'image/jpeg', 1],
    ['image/jpg', JPEG, 'image/jpeg', 0],
    ['text/html', PNG, 'image/png', 1],
    ['image/png; x=y', PNG, 'image/png; x=y', 0],
    ['image/heic', HEIF, 'image/heic', 0],
    [null, PNG, null, 0],
  ] as const)('that is said to be %s is what its bytes are', (said, data, expected, warnings) => {
    const report = new Report();
    const [turn] = withTrueTypes(asking(medium('image', data, said)), report).turns;
    expect(turn?.parts[1]).toMatchObject({ mediaType: expected });
    expect(report.warnings).toHaveLength(warnings);
  });

  test('is corrected in the result of a tool, too', () => {
    const report = new Report();
    const result = {
      kind: 'tool_result',
      callId: 'a',
      parts: [medium('image', JPEG, 'image/png')],
      isError: false,
    } as const;
    const request = { ...BLANK_REQUEST, turns: [{ role: 'user', parts: [result] } as const] };
    expect(withTrueTypes(request, report).turns[0]?.parts[0]).toMatchObject({ parts: [{ mediaType: 'image/jpeg' }] });
  });
});

test.each([
  [{ type: 'object', properties: { type: { type: 'string' }, a: true } }, null],
  [{ type: ['object', 'null'], items: [{ type: 'null' }], additionalProperties: false }, null],
  [{ enum: ['strng'], const: { type: 'strng' }, default: { type: 'x' } }, null],
  [{ type: [] }, /'s type must/],
  [{ type: null }, /'s type must/],
  [{ $defs: { a: { anyOf: [{ type: 'string' }, { type: 'any' }] } } }, /'s \$defs\.a\.anyOf\.1\.type must/],
  [{ properties: { list: { items: { type: 'STRING' } } } }, /'s properties\.list\.items\.type must/],
] as const)('types in the schema %j', (schema, wrong) => {
  if (wrong === null) expect(wrongTypeIn(schema)).toBeNull();
  else expect(wrongTypeIn(schema)).toMatch(wrong);
});

describe('a choice of tools', () => {
  const look: FunctionTool = { kind: 'function', name: 'look', description: null, parameters: null, strict: null };
  const choosing = { ...BLANK_REQUEST, turns: [{ role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }] } as const;

  test('may name what the provider itself brings along', () => {
    const own = {
      kind: 'opaque',
      of: 'anthropic',
      label: 'bash',
      value: { type: 'bash_20250124', name: 'bash' },
    } as const;
    const request: ChatRequest = {
      ...choosing,
      extraOf: 'openai',
      tools: [look, own],
      toolChoice: { kind: 'named', name: 'bash' },
    };
    expect(faultOf(() => checkRequest(request, 'anthropic'))).toBeNull();
  });

  test('must hold no other name', () => {
    const toolChoice = { kind: 'allowed', names: ['look', 'hear'], required: false } as const;
    const request: ChatRequest = { ...choosing, extraOf: 'openai', tools: [look], toolChoice };
    expect(faultOf(() => checkRequest(request, 'anthropic'))?.message).toContain('"hear"');
  });

  test('is told by the name that the caller has for it', () => {
    const request: ChatRequest = {
      ...choosing,
      extraOf: 'openai',
      legacyFunctions: true,
      tools: [{ ...look, name: 'a b' }],
    };
    expect(faultOf(() => checkRequest(request, 'anthropic'))?.field).toBe('functions[0].name');
  });
});
