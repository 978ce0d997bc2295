import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DIALECTS } from '../llm/index.ts';
import { opensPlainly, StreamOpening } from './stream-opening.ts';

const dialects = Object.values(DIALECTS);

/** An error as each dialect tells it, with its status. */
const TOLD = {
  openai: ['data: {"error":{"message":"m","type":"insufficient_quota"}}\n\n', 429],
  'openai-responses': [
    'event: response.failed\ndata: {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "m"}}}\n\n',
    500,
  ],
  anthropic: ['event: error\r\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}\r\n\r\n', 529],
  gemini: ['data: {"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}\r\n\r\n', 429],
} as const;

describe.each(dialects)('the beginning of a stream of $name', ({ name, streamErrors }) => {
  const [text, status] = TOLD[name];

  test('tells the same error however its bytes are cut, whatever comes behind it', () => {
    const bytes = Buffer.from(`: a comment\n\n${text}data: more\n\n`);
    expect(opensPlainly(streamErrors, Buffer.from(text))).toBe(false);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
        const opening = new StreamOpening(streamErrors);
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = sizes[i % sizes.length] ?? 1;
          if (opening.push(bytes.subarray(at, at + size))) break;
          at += size;
        }
        expect(opening.error()?.status).toBe(status);
        expect(opening.error()?.body).toContain('"m"');
      }),
    );
  });

  test('is waited for no longer than 64 KB', () => {
    const opening = new StreamOpening(streamErrors);
    expect(opening.push(Buffer.from('data: '))).toBe(false);
    expect(opening.push(Buffer.alloc(65_536, 'x'))).toBe(true);
    expect(opening.error()).toBeNull();
  });

  test('is no error where it is any other JSON, and nothing makes its reading throw', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', 'error', 'message', 'response.failed'), (data, event) => {
        const told = streamErrors.read({ name: event, data });
        if (told === null) return;
        expect(told.status).toBeGreaterThanOrEqual(400);
        expect(JSON.parse(told.body)).toHaveProperty('error');
      }),
    );
    expect(streamErrors.read({ name: '', data: '[DONE]' })).toBeNull();
    expect(streamErrors.read({ name: '', data: '{"error":null,"choices":[]}' })).toBeNull();
  });
});

test('an event of a response that is well is plain, though it has a member for errors', () => {
  const event = 'event: response.created\ndata: {"type":"response.created","response":{"error":null}}\n\n';
  expect(opensPlainly(DIALECTS['openai-responses'].streamErrors, Buffer.from(event))).toBe(true);
});
