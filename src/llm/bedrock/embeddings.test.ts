import { describe, expect, test } from 'vitest';
import type { EmbeddingRequest } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { bedrockEmbeddings } from './embeddings.ts';
import { invokePath } from './paths.ts';

const TITAN_V1 = 'amazon.titan-embed-text-v1';
const TITAN_V2 = 'amazon.titan-embed-text-v2:0';
const COHERE_V3 = 'cohere.embed-multilingual-v3';
const COHERE_V4 = 'global.cohere.embed-v4:0';

const REQUEST: EmbeddingRequest = {
  model: 'm',
  inputs: ['one'],
  dimensions: null,
  encoding: 'float',
  purpose: null,
  user: null,
  extra: {},
  extraOf: 'openai',
};

function write(name: string, request: Partial<EmbeddingRequest> = {}): { body: JsonRecord; warnings: string[] } {
  const report = new Report();
  const body = bedrockEmbeddings.write({ ...REQUEST, ...request }, { name, traits: UNKNOWN_TRAITS }, report);
  return { body, warnings: report.warnings.map(({ kind, field }) => `${kind} ${field}`) };
}

describe('the models that are served', () => {
  test.each([
    TITAN_V1,
    TITAN_V2,
    'amazon.titan-embed-text-v2:0:8k',
    'amazon.titan-embed-g1-text-02',
    'cohere.embed-english-v3',
    COHERE_V3,
    COHERE_V4,
    'us.cohere.embed-v4:0',
    'arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v2:0',
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.cohere.embed-v4:0',
  ])('include %s', (model) => {
    expect(bedrockEmbeddings.serves?.(model)).toBe(true);
  });

  test.each([
    'amazon.titan-embed-image-v1',
    'amazon.nova-2-multimodal-embeddings-v1:0',
    'twelvelabs.marengo-embed-2-7-v1:0',
    'anthropic.claude-haiku-4-5-20251001-v1:0',
    'cohere.command-r-v1:0',
    'notcohere.embed-v4:0',
    'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc',
  ])('do not include %s', (model) => {
    expect(bedrockEmbeddings.serves?.(model)).toBe(false);
  });

  test('stand in the path, with every character encoded that AWS wants encoded', () => {
    expect(invokePath('arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v2:0')).toBe(
      '/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A%3Afoundation-model%2Famazon.titan-embed-text-v2%3A0/invoke',
    );
  });
});

describe('Amazon Titan', () => {
  test('gets one text, and the dimensions where it has a choice', () => {
    expect(write(TITAN_V1)).toEqual({ body: { inputText: 'one' }, warnings: [] });
    expect(write(TITAN_V1, { dimensions: 1536 })).toEqual({ body: { inputText: 'one' }, warnings: [] });
    expect(write(TITAN_V2, { dimensions: 256 }).body).toEqual({ inputText: 'one', dimensions: 256 });
    expect(write(`eu.${TITAN_V2}`, { dimensions: 256 }).body).toEqual({ inputText: 'one', dimensions: 256 });
  });

  test('is not told what it does not ask, and the caller hears of it', () => {
    const { body, warnings } = write(TITAN_V2, { user: 'u', purpose: 'query', extra: { seed: 1 } });
    expect(body).toEqual({ inputText: 'one' });
    expect(warnings).toEqual(['dropped purpose', 'dropped user', 'dropped seed']);
  });

  test('is not asked for what it cannot do', () => {
    expect(() => write(TITAN_V2, { inputs: ['one', 'two'] })).toThrow(
      /^"input" has 2 texts.*one text per call, or choose another model/,
    );
    expect(() => write(TITAN_V2, { inputs: ['one', 'two'], extraOf: 'gemini' })).toThrow(/^"requests" has 2 texts/);
    expect(() => write(TITAN_V2, { inputs: [[1, 2]] })).toThrow(/send the text/);
    expect(() => write(TITAN_V1, { dimensions: 256 })).toThrow(/^"dimensions" can only be 1536/);
  });

  test('answers with a vector and its tokens', () => {
    const body = { embedding: [0.5, -1], inputTextTokenCount: 3, embeddingsByType: { float: [0.5, -1] } };
    expect(bedrockEmbeddings.read(body)).toMatchObject({ vectors: [[0.5, -1]], usage: { inputTokens: 3 } });
    expect(bedrockEmbeddings.read({ embedding: [1] }).usage).toBeNull();
    expect(() => bedrockEmbeddings.read({ embedding: ['1'] })).toThrow(AnswerFault);
  });
});

describe('Cohere', () => {
  const V3_BODY = { texts: ['one', 'two'], input_type: 'search_query', embedding_types: ['float'] };
  const query = { inputs: ['one', 'two'], purpose: 'query' };

  test('gets what its own API gets, without the model, and dimensions where it has a choice', () => {
    expect(write(COHERE_V3, query)).toEqual({ body: V3_BODY, warnings: [] });
    expect(write(COHERE_V3, { ...query, dimensions: 1024 }).body).toEqual(V3_BODY);
    expect(write(COHERE_V4, { ...query, dimensions: 512 }).body).toEqual({ ...V3_BODY, output_dimension: 512 });
  });

  test('takes texts for documents where nobody says what they are', () => {
    const { body, warnings } = write(COHERE_V4);
    expect(body).toMatchObject({ input_type: 'search_document' });
    expect(warnings).toEqual(['approximated input_type']);
  });

  test('is not asked for what it cannot do', () => {
    expect(() => write(COHERE_V3, { dimensions: 256 })).toThrow(/^"dimensions" can only be 1024/);
    expect(() => write(COHERE_V3, { dimensions: 256, extraOf: 'gemini' })).toThrow(/^"outputDimensionality"/);
    expect(() => write(COHERE_V4, { inputs: [[1]] })).toThrow(/send the text/);
  });

  test.each([
    ['by type', { response_type: 'embeddings_by_type', embeddings: { float: [[0.5], [1]] } }],
    ['as a list', { response_type: 'embeddings_floats', embeddings: [[0.5], [1]] }],
  ])('answers with vectors %s', (_, body) => {
    expect(bedrockEmbeddings.read(body)).toEqual({ model: '', vectors: [[0.5], [1]], usage: null });
  });

  test('answers that are none are told', () => {
    expect(() => bedrockEmbeddings.read({ message: 'no' })).toThrow(AnswerFault);
  });
});
