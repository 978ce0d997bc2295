import { describe, expect, test } from 'vitest';
import type { EmbeddingRequest } from '../canonical.ts';
import { AnswerFault, RequestFault } from '../faults.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import { Report } from '../report.ts';
import {
  embeddingsOfClient,
  embeddingsOfProvider,
  geminiBatchEmbeddings,
  geminiEmbeddingOperation,
} from './embeddings.ts';
import { BLANK } from './request-fixture.ts';

const FACTS = { model: 'vectors', stream: false };
const TARGET = { name: 'gemini-embedding-001', traits: UNKNOWN_TRAITS };

function write(request: EmbeddingRequest): { readonly body: unknown; readonly told: readonly string[] } {
  const report = new Report();
  return {
    body: embeddingsOfProvider.write(request, TARGET, report),
    told: report.warnings.map(({ field }) => field),
  };
}

describe('embeddings', () => {
  test('of one text go alone, with what only Google knows', () => {
    const request = embeddingsOfClient.read(
      {
        content: { parts: [{ text: 'a' }, { text: 'b' }] },
        task_type: 'RETRIEVAL_QUERY',
        output_dimensionality: 3,
        title: 't',
      },
      FACTS,
    );
    expect(request).toMatchObject({ model: 'vectors', inputs: ['a\nb'], dimensions: 3, purpose: 'query' });
    expect(geminiEmbeddingOperation(request)).toBe('embeddings');
    expect(write(request)).toEqual({
      body: {
        title: 't',
        model: 'models/gemini-embedding-001',
        content: { parts: [{ text: 'a\nb' }] },
        taskType: 'RETRIEVAL_QUERY',
        outputDimensionality: 3,
      },
      told: [],
    });
    expect(write({ ...request, extraOf: 'openai', purpose: 'poetry', user: 'u' }).told).toEqual([
      'user',
      'title',
      'input_type',
    ]);
  });

  test('of several texts go as a batch', () => {
    const request = geminiBatchEmbeddings.read(
      {
        requests: [
          { model: 'models/x', content: { parts: [{ text: 'a' }] }, title: 't' },
          { model: 'models/x', content: { parts: [{ text: 'b' }] } },
        ],
      },
      FACTS,
    );
    expect(geminiEmbeddingOperation(request)).toBe('batch_embeddings');
    expect(write(request).body).toEqual({
      requests: [
        { title: 't', model: 'models/gemini-embedding-001', content: { parts: [{ text: 'a' }] } },
        { model: 'models/gemini-embedding-001', content: { parts: [{ text: 'b' }] } },
      ],
    });
  });

  test('are refused where they mean several things', () => {
    const content = { parts: [{ text: 'a' }] };
    const reads = [
      () => geminiBatchEmbeddings.read({ requests: [] }, FACTS),
      () => geminiBatchEmbeddings.read({ requests: [{ content }, { content, taskType: 'CLUSTERING' }] }, FACTS),
      () => embeddingsOfClient.read({}, FACTS),
      () => embeddingsOfClient.read({ content: { parts: [{ inlineData: {} }] } }, FACTS),
      () => embeddingsOfClient.read({ content }, { model: null, stream: false }),
      () => write({ ...embeddingsOfClient.read({ content }, FACTS), inputs: [[1, 2]] }),
    ];
    for (const read of reads) expect(read).toThrow(RequestFault);
  });

  test('are read in both forms, and answered in the one that was asked for', () => {
    const usageMetadata = { promptTokenCount: 4 };
    const answer = embeddingsOfProvider.read({ embedding: { values: [1, 2] }, usageMetadata });
    expect(answer).toMatchObject({ vectors: [[1, 2]], usage: { inputTokens: 4, outputTokens: 0 } });
    const batch = embeddingsOfProvider.read({ embeddings: [{ values: [1] }, { values: [2] }] });
    expect(batch).toEqual({ model: '', vectors: [[1], [2]], usage: null });
    for (const body of [{}, { embeddings: [{}] }]) expect(() => embeddingsOfProvider.read(body)).toThrow(AnswerFault);
    const request = embeddingsOfClient.read({ content: { parts: [{ text: 'a' }] } }, FACTS);
    const context = { requestId: 'r', model: 'vectors', nowS: 1, request: BLANK };
    expect(embeddingsOfClient.write(answer, request, context)).toEqual({
      embedding: { values: [1, 2] },
      usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 },
    });
    expect(geminiBatchEmbeddings.write(batch, request, context)).toEqual({
      embeddings: [{ values: [1] }, { values: [2] }],
    });
  });
});
