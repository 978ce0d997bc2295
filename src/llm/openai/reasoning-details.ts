/**
 * Reasoning on the chat dialect. Vendors name its text `reasoning_content` (DeepSeek, Moonshot, xAI) or
 * `reasoning` (Groq, OpenRouter). What proves it to its maker has a place only in OpenRouter's
 * `reasoning_details` (https://openrouter.ai/docs/guides/best-practices/reasoning-tokens), which clients send back.
 */
import type { Signature, ThinkingPart } from '../canonical.ts';
import type { DialectName } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, textOf } from '../record.ts';
import { openSignature, sealSignature } from '../signature.ts';

/** The words of OpenRouter for whose signature it is. */
const FORMATS: ReadonlyMap<DialectName, string> = new Map<DialectName, string>([
  ['anthropic', 'anthropic-claude-v1'],
  ['gemini', 'google-gemini-v1'],
  ['openai-responses', 'openai-responses-v1'],
]);

/** One thing that a message or a chunk tells of the model's reasoning. */
export interface ReasoningPiece {
  readonly text: string;
  readonly signature: Signature | null;
  readonly redacted: boolean;
  /** Pieces of one index belong together; null where the vendor numbers nothing. */
  readonly index: number | null;
}

/** Pieces of a message or a delta, in order. The details count before the text members, which repeat them. */
export function readReasoning(message: JsonRecord): readonly ReasoningPiece[] {
  const details = readDetails(message['reasoning_details']);
  if (details.some((detail) => detail.text !== '')) return details;
  const text = textOf(message['reasoning_content']) || textOf(message['reasoning']);
  return text === '' ? details : [{ text, signature: null, redacted: false, index: null }, ...details];
}

/** Whole parts of a message: pieces of one index are joined. */
export function readThinkingParts(message: JsonRecord): readonly ThinkingPart[] {
  const parts: ThinkingPart[] = [];
  let lastIndex: number | null = null;
  for (const piece of readReasoning(message)) {
    const last = parts.at(-1);
    const joins = last !== undefined && continues(piece, lastIndex, last);
    if (joins) parts[parts.length - 1] = { ...last, text: last.text + piece.text, signature: piece.signature };
    else parts.push(thinkingPart(piece));
    lastIndex = piece.index;
  }
  return parts;
}

function continues(piece: ReasoningPiece, lastIndex: number | null, last: ThinkingPart): boolean {
  const isNumbered = piece.index !== null && piece.index === lastIndex;
  return isNumbered && !piece.redacted && last.redacted !== true && last.signature === null;
}

function thinkingPart({ text, signature, redacted }: ReasoningPiece): ThinkingPart {
  return { kind: 'thinking', text, signature, ...(redacted && { redacted }) };
}

function readDetails(value: unknown): readonly ReasoningPiece[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).flatMap((detail): ReasoningPiece | [] => {
    const index = typeof detail['index'] === 'number' ? detail['index'] : null;
    switch (detail['type']) {
      case 'reasoning.text':
        return { text: textOf(detail['text']), signature: signatureOf(detail, 'signature'), redacted: false, index };
      case 'reasoning.summary':
        return { text: textOf(detail['summary']), signature: null, redacted: false, index };
      case 'reasoning.encrypted': {
        const signature = signatureOf(detail, 'data');
        return signature === null ? [] : { text: '', signature, redacted: true, index };
      }
      default:
        return [];
    }
  });
}

/** Whose it is tells the envelope, or else the vendor's word for the format. */
function signatureOf(detail: JsonRecord, name: 'signature' | 'data'): Signature | null {
  const text = textOf(detail[name]);
  if (text === '') return null;
  const opened = openSignature(text, 'openai');
  if (opened.of !== 'openai') return opened;
  const known = [...FORMATS].find(([, format]) => format === detail['format']);
  return known === undefined ? opened : { of: known[0], value: text };
}

/** The details that a client is told, and sends back. */
export function clientDetails(parts: readonly ThinkingPart[]): readonly JsonRecord[] {
  return parts.map(({ text, signature, redacted }, index) => {
    if (signature !== null)
      return signatureDetail(signature, redacted === true, index, redacted === true ? null : text);
    return textDetail(text, index);
  });
}

export function textDetail(text: string, index: number): JsonRecord {
  return { type: 'reasoning.text', text, format: 'unknown', index };
}

/** `text` null: it has been told already. */
export function signatureDetail(
  signature: Signature,
  redacted: boolean,
  index: number,
  text: string | null,
): JsonRecord {
  const format = FORMATS.get(signature.of) ?? 'unknown';
  const sealed = sealSignature(signature, 'openai');
  if (redacted) return { type: 'reasoning.encrypted', data: sealed, format, index };
  return { type: 'reasoning.text', ...(text !== null && { text }), signature: sealed, format, index };
}

/** The details that a vendor is sent back: with the signatures as their makers wrote them. */
export function vendorDetails(parts: readonly ThinkingPart[]): readonly JsonRecord[] {
  return parts.map(({ text, signature, redacted }, index) => {
    if (signature === null) return textDetail(text, index);
    const format = FORMATS.get(signature.of) ?? 'unknown';
    if (redacted === true) return { type: 'reasoning.encrypted', data: signature.value, format, index };
    return { type: 'reasoning.text', text, signature: signature.value, format, index };
  });
}
