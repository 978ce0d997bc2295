/** Parts of an answer as a Gemini client receives them. */
import type { MediaPart, Signature, ToolCallPart } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { argsOf } from './call-arguments.ts';
import { writeMedia } from './media.ts';
import { sealThoughtSignature } from './thought-signature.ts';

/** Text, or reasoning. */
export function textPart(text: string, isThought: boolean): JsonRecord {
  return isThought ? { text, thought: true } : { text };
}

/** The member that proves a part to its maker. */
export function signatureMember(signature: Signature | null | undefined, redacted = false): JsonRecord {
  return signature === null || signature === undefined
    ? {}
    : { thoughtSignature: sealThoughtSignature(signature, redacted) };
}

/** A call, or null where its arguments are no object: nobody could run it. */
export function callPart(call: Omit<ToolCallPart, 'kind'>): JsonRecord | null {
  const args = call.custom === true ? { input: call.arguments } : argsOf(call.arguments);
  if (args === null) return null;
  const id = call.id === '' ? {} : { id: call.id };
  return { functionCall: { ...id, name: call.name, args }, ...signatureMember(call.signature) };
}

/** A medium that the model made, or null where only its provider could give it. */
export function mediaPart(part: MediaPart): JsonRecord | null {
  if (part.source.kind === 'id' && part.source.of !== 'gemini') return null;
  const mediaType = part.mediaType ?? DEFAULT_TYPES[part.kind];
  return { ...writeMedia({ ...part, mediaType }, '', true), ...signatureMember(part.signature) };
}

const DEFAULT_TYPES: Readonly<Record<MediaPart['kind'], string>> = {
  image: 'image/png',
  audio: 'audio/wav',
  video: 'video/mp4',
  file: 'application/octet-stream',
};
