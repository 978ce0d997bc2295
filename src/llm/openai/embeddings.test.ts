import * as fc from 'fast-check';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import type { EmbeddingRequest } from '../canonical.ts';
import { AnswerFault, RequestFault } from '../faults.ts';
import { mistralProvider } from '../mistral/provider-codec.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { PLAIN_REQUEST, contextFor } from './chat-arbitraries.ts';
import { openaiClient } from './client-codec.ts';
import { openaiProvider } from './provider-codec.ts';

const FACTS = { model: null, stream: false };
const TARGET = { name: 'm', traits: UNKNOWN_TRAITS };
const client = openaiClient.embeddings;
const provider = openaiProvider.embeddings;
const mistral = mistralProvider.embeddings;
if (client === undefined || provider === undefined || mistral === undefined) throw new Error('there are no embeddings');

const floats = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 8 });
const tokens = fc.array(fc.nat(), { minLength: 1, maxLength: 4 });
const requests: fc.Arbitrary<EmbeddingRequest> = fc.record({
  model: fc.constant('m'),
  inputs: fc.array(fc.oneof(fc.string(), tokens), { minLength: 1, maxLength: 3 }),
  dimensions: fc.option(fc.nat()),
  encoding: fc.constantFrom('float' as const, 'base64' as const),
  purpose: fc.constant(null),
  user: fc.option(fc.string()),
  extra: fc.constantFrom({}, { input_type: 'query' }),
  extraOf: fc.constant('openai' as const),
});

function asked(body: JsonRecord): EmbeddingRequest {
  return openaiClient.embeddings?.read(body, FACTS) ?? expect.fail();
}

describe('embeddings', () => {
  test('a request that was written is read as it was', () => {
    fc.assert(
      fc.property(requests, (request) => {
        expect(client.read(provider.write(request, TARGET, new Report()), FACTS)).toEqual(request);
      }),
    );
  });

  test('vectors are the same in both encodings, to the precision of 32 bits', () => {
    fc.assert(
      fc.property(
        fc.array(floats, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('float', 'base64'),
        (vectors, encoding) => {
          const request = asked({ model: 'm', input: 'a', encoding_format: encoding });
          const body = client.write({ model: 'm', vectors, usage: null }, request, contextFor(PLAIN_REQUEST));
          expect(provider.read(body).vectors).toEqual(vectors);
        },
      ),
    );
  });

  test('the official client, which asks for base64 of itself, gets numbers', async () => {
    const vectors = [
      [0.5, -0.25],
      [1, 0],
    ];
    let sent = '';
    const sdk = new OpenAI({
      apiKey: 'none',
      fetch: (_url, init) => {
        sent = typeof init?.body === 'string' ? init.body : '';
        const request = asked(JSON.parse(sent) as JsonRecord);
        const usage = {
          inputTokens: 4,
          cachedInputTokens: 0,
          cacheWriteTokens: 0,
          outputTokens: 0,
          reasoningTokens: 0,
        };
        const answer = client.write({ model: 'm', vectors, usage }, request, contextFor(PLAIN_REQUEST));
        return Promise.resolve(Response.json(answer));
      },
    });
    const created = await sdk.embeddings.create({ model: 'm', input: ['a', 'b'] });
    expect(sent).toContain('base64');
    expect(created.data.map(({ embedding }) => embedding)).toEqual(vectors);
    expect(created.usage).toEqual({ prompt_tokens: 4, total_tokens: 4 });
  });

  test('vectors come in the order of the inputs', () => {
    const data = [
      { index: 1, embedding: [2] },
      { index: 0, embedding: [1] },
    ];
    expect(provider.read({ data, usage: { prompt_tokens: 3 } })).toMatchObject({
      vectors: [[1], [2]],
      usage: { inputTokens: 3 },
    });
  });

  test('what is wrong is named', () => {
    expect(() => client.read({ model: 'm', input: [] }, FACTS)).toThrow(RequestFault);
    expect(() => client.read({ model: 'm', input: ['a', {}] }, FACTS)).toThrow('"input[1]"');
    expect(() => client.read({ model: 'm', input: 'a', encoding_format: 'hex' }, FACTS)).toThrow(RequestFault);
    expect(() => provider.read({ data: [{ embedding: {} }] })).toThrow(AnswerFault);
  });

  test('Mistral gets its own words, and no tokens', () => {
    const request = asked({ model: 'm', input: 'a', dimensions: 5, user: 'u', encoding_format: 'base64' });
    const report = new Report();
    expect(mistral.write(request, TARGET, report)).toEqual({ model: 'm', input: ['a'], output_dimension: 5 });
    expect(report.warnings.map(({ field }) => field)).toEqual(['user']);
    expect(() => mistral.write(asked({ model: 'm', input: [1, 2] }), TARGET, report)).toThrow(RequestFault);
  });
});
