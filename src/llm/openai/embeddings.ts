/** Embeddings (https://platform.openai.com/docs/api-reference/embeddings). */
import type { EmbeddingAnswer, EmbeddingRequest } from '../canonical.ts';
import type { AnswerContext, RequestFacts, TargetModel } from '../codec.ts';
import { AnswerFault, RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, otherMembers } from '../record.ts';
import type { Report } from '../report.ts';
import type { Place } from '../request-members.ts';
import { anyMember, expected, requiredText, textMember, wholeMember } from '../request-members.ts';
import { openaiUsage } from './dialect.ts';

const KNOWN = new Set(['model', 'input', 'dimensions', 'encoding_format', 'user']);

export function readEmbeddingRequest(body: JsonRecord, facts: RequestFacts): EmbeddingRequest {
  const place: Place = { value: body, path: '' };
  const encoding = textMember(place, 'encoding_format') ?? 'float';
  if (encoding !== 'float' && encoding !== 'base64') throw expected('encoding_format', 'float or base64');
  return {
    model: facts.model ?? requiredText(place, 'model'),
    inputs: readInputs(anyMember(place, 'input')),
    dimensions: wholeMember(place, 'dimensions'),
    encoding,
    purpose: null,
    user: textMember(place, 'user'),
    extra: otherMembers(body, KNOWN),
    extraOf: 'openai',
  };
}

/** A text, a list of texts, a list of token numbers, or a list of such lists. */
function readInputs(value: unknown): EmbeddingRequest['inputs'] {
  if (typeof value === 'string') return [value];
  if (isTokens(value)) return [value];
  if (!Array.isArray(value) || value.length === 0)
    throw expected('input', 'a text or a list of texts that is not empty');
  return value.map((item: unknown, at) => {
    if (typeof item === 'string' || isTokens(item)) return item;
    throw expected(`input[${at}]`, 'a text or a list of token numbers');
  });
}

function isTokens(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((token) => typeof token === 'number');
}

export function writeEmbeddingAnswer(
  { vectors, usage }: EmbeddingAnswer,
  request: EmbeddingRequest,
  context: AnswerContext,
): JsonRecord {
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: request.encoding === 'base64' ? floatsToBase64(vector) : vector,
    })),
    model: context.model,
    usage: { prompt_tokens: usage?.inputTokens ?? 0, total_tokens: usage?.inputTokens ?? 0 },
  };
}

export function writeEmbeddings(
  request: EmbeddingRequest,
  target: TargetModel,
  dialect: 'openai' | 'mistral',
  report: Report,
): JsonRecord {
  const isOwn = request.extraOf === dialect;
  if (!isOwn) for (const name of Object.keys(request.extra)) report.dropped(name, 'the provider has no such member');
  if (request.purpose !== null) report.dropped('purpose', 'the provider does not ask what the texts are for');
  const extra = isOwn ? request.extra : {};
  const base = { ...extra, model: target.name, input: request.inputs };
  return dialect === 'openai'
    ? { ...base, ...openaiMembers(request) }
    : { ...base, ...mistralMembers(request, report) };
}

/** The official SDK asks for base64 of itself, so that a vendor of this dialect knows it. */
function openaiMembers({ dimensions, encoding, user }: EmbeddingRequest): JsonRecord {
  return {
    ...(dimensions !== null && { dimensions }),
    ...(encoding === 'base64' && { encoding_format: encoding }),
    ...(user !== null && { user }),
  };
}

/** Mistral refuses members that it does not know (https://docs.mistral.ai/api/#tag/embeddings). */
function mistralMembers({ inputs, dimensions, user }: EmbeddingRequest, report: Report): JsonRecord {
  if (inputs.some((input) => typeof input !== 'string'))
    throw new RequestFault('input', 'This model takes texts only, no token numbers: send the texts themselves.');
  if (user !== null) report.dropped('user', 'the provider has no such member');
  return dimensions === null ? {} : { output_dimension: dimensions };
}

/** In the order of the inputs, whatever the order of the answer. */
export function readEmbeddings(body: JsonRecord): EmbeddingAnswer {
  const data = body['data'];
  if (!Array.isArray(data)) throw new AnswerFault('the answer has no list of embeddings');
  const items = data.map((item: unknown, at) => {
    if (!isRecord(item)) throw new AnswerFault('an embedding is not an object');
    return { index: countOf(item['index']) ?? at, vector: readVector(item['embedding']) };
  });
  return {
    model: typeof body['model'] === 'string' ? body['model'] : '',
    vectors: items.sort((a, b) => a.index - b.index).map(({ vector }) => vector),
    usage: openaiUsage(body['usage']),
  };
}

function readVector(value: unknown): readonly number[] {
  if (typeof value === 'string') return base64ToFloats(value);
  if (Array.isArray(value) && value.every((number) => typeof number === 'number')) return value;
  throw new AnswerFault('an embedding is neither a list of numbers nor base64');
}

/** 32-bit floats, little-endian. */
export function floatsToBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [at, number] of vector.entries()) bytes.writeFloatLE(number, at * 4);
  return bytes.toString('base64');
}

export function base64ToFloats(text: string): readonly number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => bytes.readFloatLE(at * 4));
}
