import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chatRequest } from '../../../test/chat-requests.ts';
import type { AnswerEvent, ChatRequest } from '../canonical.ts';
import { AnswerFault, RequestFault, ToldFault } from '../faults.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import { recordOf } from '../record.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { BLANK_REQUEST } from '../request-fixture.ts';
import { predictionsPath, versionMember } from './model-names.ts';
import { replicateProvider } from './provider-codec.ts';

const TARGET = { name: 'meta/meta-llama-3-8b-instruct', traits: UNKNOWN_TRAITS };

function written(request: Partial<ChatRequest>): { readonly input: JsonRecord; readonly warned: readonly string[] } {
  const report = new Report();
  const body = replicateProvider.writeChat({ ...BLANK_REQUEST, ...request }, TARGET, report);
  return { input: recordOf(body['input']), warned: report.warnings.map(({ kind, field }) => `${kind} ${field}`) };
}

test('any request is one prompt, or is refused', () => {
  fc.assert(
    fc.property(chatRequest, (request) => {
      try {
        expect(typeof written(request).input['prompt']).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(RequestFault);
      }
    }),
  );
});

test('instructions alone are the prompt', () => {
  const { input, warned } = written({ turns: [{ role: 'system', parts: [{ kind: 'text', text: 'Say hello.' }] }] });
  expect(input).toEqual({ prompt: 'Say hello.' });
  expect(warned).toEqual([]);
});

test('a stop string with a comma is left out with a warning, the others go', () => {
  const { input, warned } = written({ stop: ['a,b', 'END'] });
  expect(input['stop_sequences']).toBe('END');
  expect(warned).toEqual(['dropped stop', 'approximated stop']);
  expect(written({ stop: ['a,b'] }).input).not.toHaveProperty('stop_sequences');
});

test.each([
  ['meta/meta-llama-3-8b-instruct', '/models/meta/meta-llama-3-8b-instruct/predictions', {}],
  ['openai/gpt-4.1-mini', '/models/openai/gpt-4.1-mini/predictions', {}],
  ['acme/tiny:0a1b', '/predictions', { version: '0a1b' }],
  ['', null, {}],
  ['..', null, {}],
  ['a/../b', null, {}],
  ['a/b/c', null, {}],
  ['a/b?c', null, {}],
  ['a/b:', null, {}],
])('the model "%s" is asked at %s', (name, path, member) => {
  expect(predictionsPath(name)).toBe(path);
  expect(versionMember(name)).toEqual(member);
});

const SUCCEEDED = { id: 'p1', status: 'succeeded', output: ['It is ', 'so.'], metrics: { predict_time: 1 } };

describe('a prediction', () => {
  test('is read with its text in pieces or at once, and without counts where there are none', () => {
    const { choices, usage } = replicateProvider.readChat(SUCCEEDED);
    expect(choices).toEqual([{ index: 0, parts: [{ kind: 'text', text: 'It is so.' }], finish: { reason: 'stop' } }]);
    expect(usage).toBeNull();
    expect(replicateProvider.readChat({ ...SUCCEEDED, output: 'It is so.' }).choices).toEqual(choices);
  });

  test.each([null, undefined, 7, {}, [7], [{ url: 'x' }]])('of which the output is %j is a fault', (output) => {
    expect(() => replicateProvider.readChat({ ...SUCCEEDED, output })).toThrow(AnswerFault);
  });

  test('that is none is a fault, and one that failed is told', () => {
    expect(() => replicateProvider.readChat({})).toThrow(AnswerFault);
    expect(() => replicateProvider.readChat({ status: 'failed', error: null })).toThrow(ToldFault);
  });

  test('is the same stream however its bytes are split, and any bytes are a stream or a fault', () => {
    const bytes = Buffer.from(JSON.stringify({ ...SUCCEEDED, output: 'Brr 🥶' }));
    const whole = streamed([bytes]);
    expect(whole.map(({ type }) => type)).toEqual(['start', 'open', 'delta', 'close', 'finish', 'end']);
    fc.assert(
      fc.property(fc.nat(bytes.length), (at) => {
        expect(streamed([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          streamed([Buffer.from(text)]);
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerFault);
        }
      }),
    );
  });
});

function streamed(chunks: readonly Buffer[]): readonly AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = replicateProvider.readStream((event) => events.push(event));
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return events;
}
