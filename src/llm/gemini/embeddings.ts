/** `embedContent` and `batchEmbedContents` (https://ai.google.dev/api/embeddings). */
import type { EmbeddingAnswer, EmbeddingRequest } from '../canonical.ts';
import type { ClientCodec, ProviderCodec, RequestFacts, TargetModel } from '../codec.ts';
import type { Usage } from '../dialect.ts';
import { AnswerFault, RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, otherMembers, recordOf } from '../record.ts';
import type { Report } from '../report.ts';
import type { Place } from '../request-members.ts';
import { expected, pathOf, textMember, wholeMember } from '../request-members.ts';
import { speaksGemini } from './caller.ts';
import { geminiUsage, resourceName } from './dialect.ts';
import { placeAt, placesMember, requiredPlace } from './members.ts';

type ClientEmbeddings = NonNullable<ClientCodec['embeddings']>;
type ProviderEmbeddings = NonNullable<ProviderCodec['embeddings']>;

/** `embedContent`: one text. */
export const embeddingsOfClient: ClientEmbeddings = {
  read: (body, facts) => requestOf([itemOf(placeAt(body, ''))], facts),
  write: ({ vectors, usage }) => ({ embedding: { values: vectors[0] ?? [] }, ...usageMember(usage) }),
};

/** `batchEmbedContents`: several texts; the operation is another, and so is the form of its answer. */
export const geminiBatchEmbeddings: ClientEmbeddings = {
  read: (body, facts) => requestOf(placesMember(placeAt(body, ''), 'requests', itemOf), facts),
  write: ({ vectors, usage }) => ({ embeddings: vectors.map((values) => ({ values })), ...usageMember(usage) }),
};

function usageMember(usage: Usage | null): JsonRecord {
  if (usage === null) return {};
  return { usageMetadata: { promptTokenCount: usage.inputTokens, totalTokenCount: usage.inputTokens } };
}

interface Item {
  readonly place: Place;
  readonly text: string;
  readonly dimensions: number | null;
  readonly purpose: string | null;
  readonly extra: JsonRecord;
}

const ITEM = new Set(['model', 'content', 'taskType', 'outputDimensionality']);

function itemOf(place: Place): Item {
  const content = requiredPlace(place, 'content');
  const texts = placesMember(content, 'parts', textOfPart);
  const field = pathOf(content, 'parts');
  if (texts.length === 0) throw new RequestFault(field, `"${field}" needs a text.`);
  return {
    place,
    text: texts.join('\n'),
    dimensions: wholeMember(place, 'outputDimensionality'),
    purpose: purposeOf(textMember(place, 'taskType')),
    extra: otherMembers(place.value, ITEM),
  };
}

function textOfPart(part: Place): string {
  const text = textMember(part, 'text');
  if (text !== null) return text;
  throw new RequestFault(part.path, `"${part.path}" must have a "text": only text can be embedded here.`);
}

function requestOf(items: readonly Item[], facts: RequestFacts): EmbeddingRequest {
  const [one] = items;
  if (one === undefined) throw new RequestFault('requests', '"requests" is empty: give at least one.');
  for (const item of items) {
    tellDifference(item, item.dimensions === one.dimensions, 'outputDimensionality');
    tellDifference(item, item.purpose === one.purpose, 'taskType');
  }
  return {
    model: facts.model ?? modelOf(one.place.value),
    inputs: items.map(({ text }) => text),
    dimensions: one.dimensions,
    encoding: 'float',
    purpose: one.purpose,
    user: null,
    extra: Object.fromEntries(
      items.flatMap(({ place, extra }) => Object.entries(extra).map(([name, value]) => [pathOf(place, name), value])),
    ),
    extraOf: 'gemini',
  };
}

function tellDifference({ place }: Item, isSame: boolean, name: string): void {
  if (isSame) return;
  throw expected(pathOf(place, name), 'the same for all texts: send others in another request');
}

function modelOf(value: JsonRecord): string {
  const model = textMember({ value, path: '' }, 'model');
  if (model === null || model === '') throw new RequestFault('model', 'The path names no model.');
  return model.replace(/^models\//, '');
}

/** Google's task types by our words. */
const TASKS: ReadonlyMap<string, string> = new Map([
  ['query', 'RETRIEVAL_QUERY'],
  ['document', 'RETRIEVAL_DOCUMENT'],
  ['similarity', 'SEMANTIC_SIMILARITY'],
  ['classification', 'CLASSIFICATION'],
  ['clustering', 'CLUSTERING'],
  ['question_answering', 'QUESTION_ANSWERING'],
  ['fact_verification', 'FACT_VERIFICATION'],
  ['code_retrieval_query', 'CODE_RETRIEVAL_QUERY'],
]);
const PURPOSES: ReadonlyMap<string, string> = new Map([...TASKS].map(([purpose, task]) => [task, purpose]));

function purposeOf(task: string | null): string | null {
  return task === null || task === 'TASK_TYPE_UNSPECIFIED' ? null : (PURPOSES.get(task) ?? task.toLowerCase());
}

/** The operation whose body `embeddings.write` gives: one text goes alone. */
export function geminiEmbeddingOperation({ inputs }: EmbeddingRequest): 'embeddings' | 'batch_embeddings' {
  return inputs.length === 1 ? 'embeddings' : 'batch_embeddings';
}

/** Both operations, as Google speaks them. */
export const embeddingsOfProvider: ProviderEmbeddings = { write, read, operation: geminiEmbeddingOperation };

function write(request: EmbeddingRequest, target: TargetModel, report: Report): JsonRecord {
  const isBatch = geminiEmbeddingOperation(request) === 'batch_embeddings';
  if (request.user !== null) report.dropped('user', 'the provider takes no end users');
  if (!speaksGemini(request))
    for (const name of Object.keys(request.extra)) report.dropped(name, 'unknown to the provider');
  const settings = { ...taskMember(request, report), ...dimensionsMember(request) };
  const items = request.inputs.map((input, index) => ({
    ...extraAt(request, index),
    model: resourceName(target.name),
    content: { parts: [{ text: textOf(input, index) }] },
    ...settings,
  }));
  return isBatch ? { requests: items } : (items[0] ?? {});
}

function textOf(input: string | readonly number[], index: number): string {
  if (typeof input === 'string') return input;
  throw new RequestFault(`input[${index}]`, 'The model embeds texts, not lists of token numbers: send texts.');
}

/** A caller's other members: those of a batch carry their place in their name. */
function extraAt(request: EmbeddingRequest, index: number): JsonRecord {
  if (!speaksGemini(request)) return {};
  const { extra, inputs } = request;
  const prefix = `requests[${index}].`;
  const own = Object.entries(extra).flatMap(([name, value]): [string, unknown][] => {
    if (name.startsWith(prefix)) return [[name.slice(prefix.length), value]];
    return inputs.length === 1 && !name.startsWith('requests[') ? [[name, value]] : [];
  });
  return Object.fromEntries(own);
}

function taskMember({ purpose }: EmbeddingRequest, report: Report): JsonRecord {
  if (purpose === null) return {};
  const task = TASKS.get(purpose);
  if (task !== undefined) return { taskType: task };
  report.dropped('input_type', 'the provider has no such kind of text');
  return {};
}

function dimensionsMember({ dimensions }: EmbeddingRequest): JsonRecord {
  return dimensions === null ? {} : { outputDimensionality: dimensions };
}

function read(body: JsonRecord): EmbeddingAnswer {
  const { embedding, embeddings } = body;
  const given = isRecord(embedding) ? [embedding] : embeddings;
  if (!Array.isArray(given)) throw new AnswerFault('an answer without "embedding" and "embeddings"');
  return { model: '', vectors: given.map(valuesOf), usage: geminiUsage(body['usageMetadata']) };
}

function valuesOf(value: unknown): readonly number[] {
  const { values } = recordOf(value);
  if (Array.isArray(values) && values.every((number) => typeof number === 'number')) return values;
  throw new AnswerFault('an embedding whose values are no numbers');
}
