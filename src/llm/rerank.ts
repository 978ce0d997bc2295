/**
 * Reranking: the form that clients speak, which Cohere began and Jina and most others share, and the
 * forms of providers. Voyage differs in names.
 */
import { scanJson } from '../lib/json-scan.ts';
import type { RerankAnswer, RerankRequest } from './canonical.ts';
import type { ProviderCodec } from './codec.ts';
import type { Usage } from './dialect.ts';
import { AnswerFault, RequestFault } from './faults.ts';
import { inputUsage } from './input-usage.ts';
import type { JsonRecord } from './record.ts';
import { countOf, isRecord, otherMembers, recordOf } from './record.ts';
import type { Report } from './report.ts';

type RerankCodec = NonNullable<ProviderCodec['rerank']>;

/** Cohere v2 (https://docs.cohere.com/reference/rerank). The caller's form is its own: other members go on. */
export const cohereRerank: RerankCodec = {
  write: ({ extra, query, documents, topN }, target) => ({
    ...extra,
    model: target.name,
    query,
    documents,
    ...(topN === null ? {} : { top_n: topN }),
  }),
  read: (body) => answerOf(body, 'results'),
};

/** Jina and those like it (https://api.jina.ai/redoc), which send the documents back unless told not to. */
export const jinaRerank: RerankCodec = {
  write: (request, target, report) => ({ ...cohereRerank.write(request, target, report), return_documents: false }),
  read: (body) => answerOf(body, 'results'),
};

/** Voyage (https://docs.voyageai.com/reference/reranker-api): `top_k`, and the results are `data`. */
export const voyageRerank: RerankCodec = {
  write: ({ extra, query, documents, topN }, target, report) => ({
    ...voyageExtra(extra, report),
    model: target.name,
    query,
    documents,
    ...(topN === null ? {} : { top_k: topN }),
  }),
  read: (body) => answerOf(body, 'data'),
};

function voyageExtra(extra: JsonRecord, report: Report): JsonRecord {
  for (const [name, value] of Object.entries(extra))
    if (name !== 'truncation' && value !== null) report.dropped(name, 'Voyage has no such field');
  const { truncation } = extra;
  return typeof truncation === 'boolean' ? { truncation } : {};
}

function answerOf(body: JsonRecord, member: 'results' | 'data'): RerankAnswer {
  const results = body[member];
  if (!Array.isArray(results)) throw new AnswerFault(`the answer has no ${member}`);
  const { id, model } = body;
  return {
    id: typeof id === 'string' ? id : '',
    model: typeof model === 'string' ? model : '',
    results: results
      .filter(isRecord)
      .flatMap(({ index: place, relevance_score: score }) => {
        const index = countOf(place);
        return index !== null && typeof score === 'number' ? [{ index, score }] : [];
      })
      .sort((a, b) => b.score - a.score),
    usage: rerankUsage(body),
  };
}

/** Tokens and searches, as far as they are told: Cohere bills searches, others tokens, OpenRouter tells both. */
export function rerankUsage(body: JsonRecord): Usage | null {
  const usage = recordOf(body['usage']);
  const meta = recordOf(body['meta']);
  const billed = recordOf(meta['billed_units']);
  const tokens =
    countOf(usage['total_tokens']) ??
    countOf(usage['prompt_tokens']) ??
    countOf(billed['input_tokens']) ??
    countOf(recordOf(meta['tokens'])['input_tokens']);
  const searchUnits = countOf(billed['search_units']) ?? countOf(usage['search_units']);
  if (searchUnits === null) return inputUsage(tokens);
  return { ...NO_TOKENS, inputTokens: tokens ?? 0, searchUnits };
}

const NO_TOKENS = { cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };

/** "One query with up to 100 documents" (https://cohere.com/pricing). Of a long one its pieces count, which nobody here knows. */
const DOCUMENTS_PER_UNIT = 100;

/** The searches that a request is worth where nobody tells them. */
export function estimateSearchUnits(body: Buffer): number {
  const scan = scanJson(body);
  const found = scan.ok ? scan.document.find('documents') : undefined;
  if (found === undefined || found === 'duplicate') return 1;
  const documents = scanJson(body.subarray(found.from, found.to), { entriesMax: body.length });
  const count = documents.ok ? documents.document.entries().length : 1;
  return Math.max(1, Math.ceil(count / DOCUMENTS_PER_UNIT));
}

const KNOWN: ReadonlySet<string> = new Set(['model', 'query', 'documents', 'top_n', 'top_k', 'return_documents']);

/** Reads the body of a client's request; a RequestFault names the field that is wrong. */
export function readRerankRequest(body: JsonRecord): RerankRequest {
  const { model, query, documents, return_documents: returnDocuments } = body;
  if (typeof model !== 'string' || model === '') throw new RequestFault('model', 'Name the model, as a string.');
  if (typeof query !== 'string') throw new RequestFault('query', 'Give the query, as a string.');
  if (!Array.isArray(documents))
    throw new RequestFault('documents', 'Give the documents, as a list of strings or of objects with a text.');
  if (returnDocuments !== undefined && returnDocuments !== null && typeof returnDocuments !== 'boolean')
    throw new RequestFault('return_documents', 'return_documents must be true or false.');
  return {
    model,
    query,
    documents: documents.map((document: unknown, i) => documentText(document, i)),
    topN: topNOf(body),
    returnDocuments: returnDocuments === true,
    extra: otherMembers(body, KNOWN),
  };
}

function documentText(document: unknown, index: number): string {
  if (typeof document === 'string') return document;
  if (!isRecord(document))
    throw new RequestFault(`documents[${index}]`, 'A document must be a string or an object with a text.');
  if (typeof document['text'] === 'string') return document['text'];
  throw new RequestFault(`documents[${index}].text`, 'A document must have its text, as a string.');
}

/** Voyage's clients say `top_k`. */
function topNOf(body: JsonRecord): number | null {
  const field = body['top_n'] === undefined || body['top_n'] === null ? 'top_k' : 'top_n';
  const value = body[field];
  if (value === undefined || value === null) return null;
  const count = countOf(value);
  if (count === null || count === 0) throw new RequestFault(field, `${field} must be a whole number from 1.`);
  return count;
}

/** The answer to a client, in the form that Cohere's and Jina's clients read. */
export function writeRerankAnswer(answer: RerankAnswer, request: RerankRequest): JsonRecord {
  const { id, results, usage } = answer;
  const wanted = results.slice(0, request.topN ?? results.length);
  return {
    ...(id === '' ? {} : { id }),
    model: request.model,
    results: wanted.map(({ index, score }) => {
      const text = request.documents[index];
      const document = request.returnDocuments && text !== undefined ? { document: { text } } : {};
      return { index, relevance_score: score, ...document };
    }),
    ...(usage === null ? {} : usageMembers(usage)),
  };
}

function usageMembers({ inputTokens, searchUnits }: Usage): JsonRecord {
  return {
    ...(inputTokens > 0 && { usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } }),
    ...(searchUnits !== undefined && { meta: { billed_units: { search_units: searchUnits } } }),
  };
}
