import type { JsonRecord } from '../../llm/record.ts';
import { recordOf } from '../../llm/record.ts';
import { listOf } from './prompt.ts';
import { countInput } from './reply.ts';

/** What an answer has a line for; and what is read of a text, so that a long one cannot hold up a worker. */
const DOCUMENTS_MAX = 1000;
const TEXT_LENGTH_MAX = 16_384;

/** An order of documents by the part of the query's words that they share, or null if the body is not valid. */
export function rerankAnswer(body: JsonRecord, model: string): string | null {
  const { query, return_documents: returnDocuments } = body;
  const documents = listOf(body['documents']);
  if (documents.length > DOCUMENTS_MAX) return null;
  const texts = documents.map(textOf).filter((text) => text !== null);
  const count = body['top_n'] ?? body['top_k'] ?? texts.length;
  if (typeof query !== 'string' || texts.length === 0 || texts.length < documents.length) return null;
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) return null;
  const wanted = wordsIn(query);
  const results = texts
    .map((text, index) => ({ index, relevance_score: sharedPart(wanted, text), text }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, count)
    .map(({ text, ...result }) => (returnDocuments === true ? { ...result, document: { text } } : result));
  return JSON.stringify({ model, results, usage: { total_tokens: countInput([query, ...texts]) } });
}

function textOf(document: unknown): string | null {
  const text = typeof document === 'string' ? document : recordOf(document)['text'];
  return typeof text === 'string' ? text : null;
}

function sharedPart(wanted: ReadonlySet<string>, text: string): number {
  const words = wordsIn(text);
  const shared = [...wanted].filter((word) => words.has(word)).length;
  return wanted.size === 0 ? 0 : shared / wanted.size;
}

/** The words of a text, small letters only; of a long one those at its beginning. */
export function wordsIn(text: string): ReadonlySet<string> {
  return new Set(
    text
      .slice(0, TEXT_LENGTH_MAX)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [],
  );
}
