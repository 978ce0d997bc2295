/** v2 embed (https://docs.cohere.com/reference/embed). */
import type { EmbeddingAnswer, EmbeddingRequest } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { AnswerFault, RequestFault } from '../faults.ts';
import { inputUsage } from '../input-usage.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, recordOf } from '../record.ts';
import type { Report } from '../report.ts';

/** What others call the purposes of texts. */
const INPUT_TYPES: ReadonlyMap<string, string> = new Map([
  ['query', 'search_query'],
  ['retrieval_query', 'search_query'],
  ['search_query', 'search_query'],
  ['question_answering', 'search_query'],
  ['document', 'search_document'],
  ['retrieval_document', 'search_document'],
  ['search_document', 'search_document'],
  ['classification', 'classification'],
  ['clustering', 'clustering'],
  ['semantic_similarity', 'clustering'],
]);

export function writeEmbeddings(request: EmbeddingRequest, target: TargetModel, report: Report): JsonRecord {
  const texts = request.inputs.map((input, i) => {
    if (typeof input === 'string') return input;
    throw new RequestFault(`input[${i}]`, 'Cohere takes texts, not numbers of tokens: send the text.');
  });
  if (request.user !== null) report.dropped('user', 'Cohere has no such field');
  return {
    ...ownExtra(request.extra, '', { extraOf: request.extraOf, dialect: 'cohere', report }),
    model: target.name,
    texts,
    input_type: inputType(request.purpose, report),
    // Base64 is made for the caller from these.
    embedding_types: ['float'],
    ...(request.dimensions === null ? {} : { output_dimension: request.dimensions }),
  };
}

/** Cohere must be told. */
function inputType(purpose: string | null, report: Report): string {
  const known = INPUT_TYPES.get((purpose ?? '').toLowerCase());
  if (known !== undefined) return known;
  report.approximated('input_type', 'Cohere must be told what texts are for: they are taken for documents');
  return 'search_document';
}

export function readEmbeddings(body: JsonRecord): EmbeddingAnswer {
  const { embeddings } = body;
  const vectors = Array.isArray(embeddings) ? embeddings : recordOf(embeddings)['float'];
  if (!Array.isArray(vectors) || !vectors.every(isVector))
    throw new AnswerFault('the answer has no embeddings of numbers');
  const inputTokens = countOf(recordOf(recordOf(body['meta'])['billed_units'])['input_tokens']);
  return {
    model: '',
    vectors,
    usage: inputUsage(inputTokens),
  };
}

/** A list of numbers. */
export function isVector(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'number');
}
