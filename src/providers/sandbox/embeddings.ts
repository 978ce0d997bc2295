import { crc32 } from 'node:zlib';
import type { JsonRecord } from '../../llm/record.ts';
import { recordOf } from '../../llm/record.ts';
import { listOf, textsOf } from './prompt.ts';
import { countInput } from './reply.ts';

const DIMENSIONS = 256;
const DIMENSIONS_MAX = 4096;
const INPUTS_MAX = 2048;
/** Of all vectors of one answer: kilobytes that ask must not make hundreds of megabytes that answer. */
const NUMBERS_MAX = INPUTS_MAX * DIMENSIONS;

/** An answer to OpenAI's embeddings request, or null if its input, dimensions or encoding are not valid, or ask too much. */
export function embeddingsAnswer(body: JsonRecord, model: string): string | null {
  const inputs = embeddingInputs(body['input']);
  const size = dimensionsOf(body['dimensions']);
  const encoding = body['encoding_format'] ?? 'float';
  if (inputs === null || size === null || (encoding !== 'float' && encoding !== 'base64')) return null;
  if (inputs.length * size > NUMBERS_MAX) return null;
  const data = inputs.map((text, index) => {
    const vector = vectorOf(text, size);
    return { object: 'embedding', index, embedding: encoding === 'float' ? [...vector] : base64Of(vector) };
  });
  const tokens = countInput(inputs);
  return JSON.stringify({ object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } });
}

/** A text, texts, tokens, or lists of tokens; tokens count as the text of their numbers. */
function embeddingInputs(input: unknown): readonly string[] | null {
  const inputs = typeof input === 'string' || isTokens(input) ? [input] : listOf(input);
  if (inputs.length === 0 || inputs.length > INPUTS_MAX) return null;
  const texts = inputs.flatMap((item) => (typeof item === 'string' ? [item] : isTokens(item) ? [item.join(' ')] : []));
  return texts.length === inputs.length ? texts : null;
}

function isTokens(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((token) => typeof token === 'number');
}

/** An answer to Gemini's `embedContent`, or null if it is not valid. */
export function embedContentAnswer(body: JsonRecord): string | null {
  const embedding = contentEmbedding(body);
  return embedding === null ? null : JSON.stringify({ embedding });
}

/** An answer to Gemini's `batchEmbedContents`, or null if one of its requests is not valid. */
export function batchEmbedAnswer(body: JsonRecord): string | null {
  const requests = listOf(body['requests']);
  if (requests.length === 0 || requests.length > INPUTS_MAX) return null;
  const sizes = requests.map((request) => dimensionsOf(recordOf(request)['outputDimensionality']) ?? 0);
  if (sizes.reduce((sum, size) => sum + size, 0) > NUMBERS_MAX) return null;
  const embeddings = requests.map((request) => contentEmbedding(recordOf(request)));
  return embeddings.includes(null) ? null : JSON.stringify({ embeddings });
}

function contentEmbedding(request: JsonRecord): JsonRecord | null {
  const texts = textsOf(recordOf(request['content'])['parts']);
  const size = dimensionsOf(request['outputDimensionality']);
  return texts.length === 0 || size === null ? null : { values: [...vectorOf(texts.join('\n'), size)] };
}

function dimensionsOf(value: unknown): number | null {
  if (value === undefined || value === null) return DIMENSIONS;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= DIMENSIONS_MAX
    ? value
    : null;
}

/** A vector of length 1 that depends on the text alone: a xorshift generator seeded with its checksum. */
function vectorOf(text: string, size: number): Float32Array {
  const vector = new Float32Array(size);
  let state = crc32(text) || 1;
  let squares = 0;
  for (let index = 0; index < size; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const value = (state | 0) / 0x80000000;
    vector[index] = value;
    squares += value * value;
  }
  const norm = Math.sqrt(squares);
  return vector.map((value) => value / norm);
}

/** Little-endian 32-bit floats, as OpenAI's SDKs ask for by default. */
function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (let index = 0; index < vector.length; index++) bytes.writeFloatLE(vector[index] ?? 0, index * 4);
  return bytes.toString('base64');
}
