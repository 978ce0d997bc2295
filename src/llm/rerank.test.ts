import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnswerFault, RequestFault } from './faults.ts';
import { UNKNOWN_TRAITS } from './model-traits.ts';
import { Report } from './report.ts';
import {
  cohereRerank,
  estimateSearchUnits,
  jinaRerank,
  readRerankRequest,
  voyageRerank,
  writeRerankAnswer,
} from './rerank.ts';

const TARGET = { name: 'rerank-1', traits: UNKNOWN_TRAITS };
const BODY = { model: 'house/rerank', query: 'Rain?', documents: ['Sun', { text: 'Rain', id: 7 }], top_n: 1 };

describe('a request', () => {
  test('has documents as strings or with a text, and keeps other members', () => {
    expect(readRerankRequest({ ...BODY, return_documents: true, max_tokens_per_doc: 10, rank_fields: null })).toEqual({
      model: 'house/rerank',
      query: 'Rain?',
      documents: ['Sun', 'Rain'],
      topN: 1,
      returnDocuments: true,
      extra: { max_tokens_per_doc: 10 },
    });
    expect(readRerankRequest({ ...BODY, top_n: null, top_k: 2 })).toMatchObject({ topN: 2, returnDocuments: false });
  });

  test.each([
    ['model', { ...BODY, model: 5 }],
    ['query', { ...BODY, query: undefined }],
    ['documents', { ...BODY, documents: 'Sun' }],
    ['documents[1]', { ...BODY, documents: ['Sun', null] }],
    ['documents[0].text', { ...BODY, documents: [{ image: 'https://example.com/a.png' }] }],
    ['top_n', { ...BODY, top_n: 0 }],
    ['return_documents', { ...BODY, return_documents: 'yes' }],
  ])('whose %s is wrong is refused with that field', (field, body) => {
    expect(() => readRerankRequest(body)).toThrow(RequestFault);
    expect(() => readRerankRequest(body)).toThrow(expect.objectContaining({ field }));
  });

  test('of any JSON is read or refused', () => {
    const member = fc.constantFrom('model', 'query', 'documents', 'top_n', 'return_documents', '__proto__');
    fc.assert(
      fc.property(fc.dictionary(member, fc.jsonValue()), (body) => {
        try {
          readRerankRequest({ ...BODY, ...body });
        } catch (fault) {
          if (!(fault instanceof RequestFault)) throw fault;
        }
      }),
    );
  });
});

describe('a provider', () => {
  const request = readRerankRequest({ ...BODY, truncation: false, other: 1 });

  test('of Cohere’s form is sent the caller’s', () => {
    expect(cohereRerank.write(request, TARGET, new Report())).toEqual({
      model: 'rerank-1',
      query: 'Rain?',
      documents: ['Sun', 'Rain'],
      top_n: 1,
      truncation: false,
      other: 1,
    });
  });

  test('of Jina’s form does not send the documents back', () => {
    expect(jinaRerank.write(request, TARGET, new Report())).toMatchObject({ top_n: 1, return_documents: false });
  });

  test('of Voyage’s form is told top_k, and other members are reported', () => {
    const report = new Report();
    expect(voyageRerank.write(request, TARGET, report)).toEqual({
      model: 'rerank-1',
      query: 'Rain?',
      documents: ['Sun', 'Rain'],
      top_k: 1,
      truncation: false,
    });
    expect(report.warnings.map(({ field }) => field)).toEqual(['other']);
  });

  test('gives results, best first, and its tokens where it tells them', () => {
    const results = [
      { index: 0, relevance_score: 0.1 },
      { index: 1, relevance_score: 0.9, document: { text: 'Rain' } },
      { index: -1, relevance_score: 1 },
      'nothing',
    ];
    const usage = { inputTokens: 26, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
    const expected = [
      { index: 1, score: 0.9 },
      { index: 0, score: 0.1 },
    ];
    expect(jinaRerank.read({ model: 'm', results, usage: { total_tokens: 26 } })).toEqual({
      id: '',
      model: 'm',
      results: expected,
      usage,
    });
    expect(voyageRerank.read({ object: 'list', data: results, usage: { total_tokens: 26 } })).toMatchObject({
      results: expected,
      usage,
    });
    expect(cohereRerank.read({ id: 'a', results, meta: { billed_units: { search_units: 1 } } })).toEqual({
      id: 'a',
      model: '',
      results: expected,
      usage: { ...usage, inputTokens: 0, searchUnits: 1 },
    });
    const both = { results, usage: { search_units: 2, total_tokens: 26 } };
    expect(cohereRerank.read(both).usage).toEqual({ ...usage, searchUnits: 2 });
    expect(cohereRerank.read({ results, meta: {} }).usage).toBeNull();
  });

  test('that gives no results is at fault', () => {
    for (const codec of [cohereRerank, jinaRerank, voyageRerank])
      expect(() => codec.read({ detail: 'no' })).toThrow(AnswerFault);
  });
});

test('a request is worth one search for each hundred documents', () => {
  const units = (documents: unknown) => estimateSearchUnits(Buffer.from(JSON.stringify({ query: 'q', documents })));
  const many = (count: number) => Array.from({ length: count }, (_, i) => (i % 2 === 0 ? `d${i}` : { text: `d${i}` }));
  expect([1, 100, 101, 200, 201, 10_000].map((count) => units(many(count)))).toEqual([1, 1, 2, 2, 3, 100]);
  expect([units([]), units(undefined), units('d'), estimateSearchUnits(Buffer.from('['))]).toEqual([1, 1, 1, 1]);
});

test('an answer has as many results as were asked for, with documents where they were', () => {
  const answer = {
    id: 'a',
    model: 'upstream',
    results: [
      { index: 1, score: 0.9 },
      { index: 0, score: 0.1 },
    ],
    usage: null,
  };
  expect(writeRerankAnswer(answer, readRerankRequest({ ...BODY, return_documents: true }))).toEqual({
    id: 'a',
    model: 'house/rerank',
    results: [{ index: 1, relevance_score: 0.9, document: { text: 'Rain' } }],
  });
  const usage = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  const members = (told: object) => {
    const { usage: tokens, meta } = writeRerankAnswer(
      { ...answer, usage: { ...usage, ...told } },
      readRerankRequest(BODY),
    );
    return { tokens, meta };
  };
  expect(members({ searchUnits: 2 })).toEqual({ tokens: undefined, meta: { billed_units: { search_units: 2 } } });
  expect(members({ inputTokens: 5 })).toEqual({ tokens: { prompt_tokens: 5, total_tokens: 5 }, meta: undefined });
  expect(writeRerankAnswer(answer, readRerankRequest({ ...BODY, top_n: undefined }))['results']).toEqual([
    { index: 1, relevance_score: 0.9 },
    { index: 0, relevance_score: 0.1 },
  ]);
});
