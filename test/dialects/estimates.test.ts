/** What an answer is thought to have used that does not tell: the same however it came. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLIENT_CODECS, PROVIDER_CODECS } from '../../src/llm/codecs.ts';
import type { ClientDialectName, DialectName } from '../../src/llm/dialect.ts';
import { UNKNOWN_TRAITS } from '../../src/llm/model-traits.ts';
import { estimateOutputTokens, OutputEstimate } from '../../src/llm/output-estimate.ts';
import { translateChat } from '../../src/llm/translate.ts';
import { SPEAKERS } from '../fakes/speakers/index.ts';
import { anySaid } from '../fakes/speakers/said-arbitrary.ts';
import type { Said } from '../fakes/speakers/said.ts';
import { CAPABILITIES } from './capabilities.ts';

const CLIENTS = Object.keys(CLIENT_CODECS) as ClientDialectName[];
/** Of Replicate no answer but a whole one comes. */
const PROVIDERS = (Object.keys(PROVIDER_CODECS) as DialectName[]).filter((name) => name !== 'replicate');

function wholeEstimate(provider: DialectName, said: Said): number {
  return estimateOutputTokens(PROVIDER_CODECS[provider].readChat(SPEAKERS[provider].whole(said) as never));
}

function streamEstimate(provider: DialectName, chunks: readonly Buffer[]): number {
  const estimate = new OutputEstimate();
  const reader = PROVIDER_CODECS[provider].readStream((event) => estimate.take(event));
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return estimate.tokens();
}

describe.each(PROVIDERS)('the output of a provider that speaks %s', (provider) => {
  test('is estimated the same whole and as a stream', () => {
    fc.assert(
      fc.property(anySaid, (said) => {
        const whole = wholeEstimate(provider, said);
        expect(whole).toBeGreaterThan(0);
        expect(streamEstimate(provider, SPEAKERS[provider].stream(said))).toBe(whole);
      }),
      { numRuns: 300 },
    );
  });

  test.each(CLIENTS)('and the same where it is translated for %s', (client) => {
    const request = CAPABILITIES['tools'];
    if (request === undefined) throw new Error('there is no request with tools');
    const translation = (stream: boolean) =>
      translateChat(
        { ...request, stream },
        {
          client: CLIENT_CODECS[client],
          provider: PROVIDER_CODECS[provider],
          target: { name: 'model', traits: UNKNOWN_TRAITS },
          context: { requestId: 'req', model: 'model', nowS: 0, request },
        },
      );
    fc.assert(
      fc.property(anySaid, (said) => {
        const stream = translation(true).stream?.observe();
        for (const event of SPEAKERS[provider].stream(said)) stream?.push(event);
        stream?.flush();
        expect(stream?.tokens()).toBe(wholeEstimate(provider, said));
      }),
      { numRuns: 50 },
    );
  });
});

test('all that a model writes counts: text, reasoning and calls', () => {
  const said: Said = { id: 'a', model: 'm', finish: 'stop', usage: { input: 1, cached: 0, output: 1, reasoning: 0 } };
  const text = 'x'.repeat(400);
  const call = { id: 'call00001', name: 'f'.repeat(40), arguments: { a: 'x'.repeat(92) } };
  expect(wholeEstimate('openai', { ...said, text })).toBe(100);
  expect(wholeEstimate('openai', { ...said, text, thinking: { text, signature: 'c2ln' } })).toBe(200);
  expect(wholeEstimate('openai', { ...said, text, calls: [call] })).toBe(100 + 10 + 25);
  expect(wholeEstimate('openai', { ...said, text: '世'.repeat(400) })).toBe(300);
});

test('how arguments are set does not matter, and those of a call that is cut count', () => {
  const estimate = (deltas: readonly string[], isWhole: boolean): number => {
    const open = new OutputEstimate();
    open.take({ type: 'open', choice: 0, part: 0, start: { kind: 'tool_call', id: 'a', name: 'f' } });
    for (const text of deltas) open.take({ type: 'delta', choice: 0, text });
    if (isWhole) open.take({ type: 'close', choice: 0 });
    return open.tokens();
  };
  expect(estimate(['{ "city": ', '"\\u00c5re" }'], true)).toBe(estimate(['{"city":"Åre"}'], true));
  expect(estimate(['{"text":"', 'x'.repeat(391)], false)).toBe(101);
});
