/** Items of an answer, as a client receives them. */
import type {
  Annotation,
  MediaPart,
  OpaquePart,
  Part,
  RefusalPart,
  Signature,
  TextPart,
  ThinkingPart,
} from '../canonical.ts';
import { packCallId } from '../call-ids.ts';
import type { JsonRecord } from '../record.ts';
import { writeAnnotation, writeLogprob } from './annotations.ts';
import { makeItemId, type ItemPrefix } from './item-ids.ts';
import { sealEncrypted, summaryOf } from './reasoning.ts';

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** An item, as a stream builds it: complete at any time, with what is known then. */
export interface CallFacts {
  readonly id: string;
  readonly callId: string;
  readonly signature: Signature | undefined;
  readonly name: string;
  readonly custom: boolean;
  readonly input: string;
}

export function callItem(call: CallFacts, status: ItemStatus): JsonRecord {
  const { id, callId, signature, name, custom, input } = call;
  const common = { id, status, call_id: packCallId(callId, signature), name };
  return custom
    ? { type: 'custom_tool_call', ...common, input }
    : { type: 'function_call', ...common, arguments: input };
}

export function messageItem(id: string, content: readonly JsonRecord[], status: ItemStatus): JsonRecord {
  return { type: 'message', id, status, role: 'assistant', content };
}

export function contentItem(part: TextPart | RefusalPart): JsonRecord {
  if (part.kind === 'refusal') return { type: 'refusal', refusal: part.text };
  return {
    type: 'output_text',
    text: part.text,
    annotations: writeAnnotations(part.annotations ?? []),
    logprobs: (part.logprobs ?? []).map(writeLogprob),
  };
}

export function writeAnnotations(annotations: readonly Annotation[]): readonly JsonRecord[] {
  return annotations.map(writeAnnotation).filter((annotation) => annotation !== null);
}

export function reasoningItem(id: string, part: ThinkingPart): JsonRecord {
  const { signature, redacted, extra } = part;
  return {
    type: 'reasoning',
    id,
    ...summaryOf(part),
    ...(Array.isArray(extra?.['content']) && { content: extra['content'] }),
    ...(signature !== null && { encrypted_content: sealEncrypted(signature, redacted ?? false) }),
  };
}

/** The item of a part that comes whole; null where a client of this dialect has no place for it. */
export function wholeItem(part: MediaPart | OpaquePart, makeId: (prefix: ItemPrefix) => string): JsonRecord | null {
  if (part.kind === 'opaque') {
    if (part.of !== 'openai-responses') return null;
    // openai-node refuses an item without an id.
    return typeof part.value['id'] === 'string' && part.value['id'] !== ''
      ? part.value
      : { ...part.value, id: makeId('it') };
  }
  if (part.kind !== 'image' || part.source.kind !== 'base64') return null;
  const format = part.mediaType?.startsWith('image/') ? part.mediaType.slice('image/'.length) : null;
  return {
    type: 'image_generation_call',
    id: makeId('ig'),
    status: 'completed',
    ...(format !== null && { output_format: format }),
    result: part.source.data,
  };
}

/** The id that OpenAI gave to an item (`extra` of the answering dialect), else one of ours. */
export function itemIdOf(part: Part, prefix: ItemPrefix, requestId: string, index: number): string {
  const id = part.extra?.['id'];
  return typeof id === 'string' && id.startsWith(`${prefix}_`) ? id : makeItemId(prefix, requestId, index);
}
