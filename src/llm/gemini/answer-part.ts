/** One part of a provider's answer: read without a fault, whatever it holds. */
import type { MediaPart, OpaquePart, Signature } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import { readFileData, readInlineData } from './media.ts';
import { membersOf, placeAt } from './members.ts';

/** `call` holds the members of the `functionCall`: whole, or a piece of one. */
export type AnswerPiece =
  | { readonly kind: 'text' | 'thinking'; readonly text: string; readonly signature: Signature | null }
  | { readonly kind: 'call'; readonly call: JsonRecord; readonly signature: Signature | null }
  | { readonly kind: 'whole'; readonly part: MediaPart | OpaquePart };

/** The piece, or null for a part that holds nothing. */
export function answerPiece(value: unknown): AnswerPiece | null {
  const members = membersOf(recordOf(value));
  const { text, thought, thoughtSignature, functionCall } = members;
  const signature: Signature | null =
    typeof thoughtSignature === 'string' && thoughtSignature !== '' ? { of: 'gemini', value: thoughtSignature } : null;
  if (functionCall !== undefined) return { kind: 'call', call: membersOf(recordOf(functionCall)), signature };
  if (typeof text === 'string') return { kind: thought === true ? 'thinking' : 'text', text, signature };
  if (Object.keys(members).every((name) => name === 'thought' || name === 'thoughtSignature'))
    return signature === null ? null : { kind: thought === true ? 'thinking' : 'text', text: '', signature };
  const media = thought === true ? null : mediaOf(members);
  if (media !== null) return { kind: 'whole', part: signature === null ? media : { ...media, signature } };
  return { kind: 'whole', part: { kind: 'opaque', of: 'gemini', value: members } };
}

function mediaOf(members: JsonRecord): MediaPart | null {
  const { inlineData, fileData } = members;
  try {
    if (inlineData !== undefined) return readInlineData(placeAt(inlineData, ''));
    return fileData === undefined ? null : readFileData(placeAt(fileData, ''));
  } catch (error) {
    // What a caller would be told is nothing to a provider: the part stays as it came.
    if (error instanceof RequestFault) return null;
    throw error;
  }
}

/** JSON text of a whole call's arguments. */
export function argumentsOf(call: JsonRecord): string {
  return JSON.stringify(recordOf(call['args']));
}
