/** Content of an answer's message or delta: OpenAI's string, or Mistral's list of chunks. */
import type { MediaPart } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, recordOf, textOf } from '../record.ts';

export interface ContentPiece {
  readonly kind: 'text' | 'thinking' | 'refusal';
  readonly text: string;
}

/** Pieces that say something, in order. */
export function readPieces(content: unknown): readonly ContentPiece[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) return [];
  return content.map(readPiece).filter(({ text }) => text !== '');
}

function readPiece(chunk: unknown): ContentPiece {
  if (typeof chunk === 'string') return { kind: 'text', text: chunk };
  const { type, text, thinking, refusal } = recordOf(chunk);
  if (type === 'thinking') return { kind: 'thinking', text: thinkingText(thinking) };
  if (type === 'refusal') return { kind: 'refusal', text: textOf(refusal) };
  return { kind: 'text', text: textOf(text) };
}

/** Mistral nests texts, and references that have none. */
function thinkingText(value: unknown): string {
  return Array.isArray(value) ? value.map((inner) => textOf(recordOf(inner)['text'])).join('') : textOf(value);
}

/** What a choice says; older endpoints have its text in the choice itself (`/v1/completions`). */
export function messageOf(choice: JsonRecord): JsonRecord {
  const message = choice['delta'] ?? choice['message'];
  return isRecord(message) ? message : { content: choice['text'] };
}

/** Images that the model made, in OpenRouter's form. */
export function readImages(value: unknown): readonly MediaPart[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).flatMap((image): MediaPart | [] => {
    const link = image['image_url'];
    const url = textOf(isRecord(link) ? link['url'] : link);
    return url === '' ? [] : { kind: 'image', ...sourceOf(url) };
  });
}

function sourceOf(url: string): Pick<MediaPart, 'source' | 'mediaType'> {
  const comma = url.indexOf(',');
  const head = url.startsWith('data:') ? url.slice(0, Math.max(0, comma)) : '';
  if (!head.endsWith(';base64')) return { source: { kind: 'url', url }, mediaType: null };
  const mediaType = head.slice('data:'.length, -';base64'.length);
  return { source: { kind: 'base64', data: url.slice(comma + 1) }, mediaType: mediaType || null };
}

/** A whole `audio` member of an answer; its other members stay with it. */
export function readAudio(value: unknown): readonly MediaPart[] {
  if (!isRecord(value) || typeof value['data'] !== 'string') return [];
  return [audioPart(value['data'], value)];
}

export function audioPart(data: string, { data: _data, ...extra }: JsonRecord): MediaPart {
  return { kind: 'audio', source: { kind: 'base64', data }, mediaType: null, extra };
}

/** Arguments as text: some vendors send the object itself. */
export function argumentsOf(value: unknown): string {
  return isRecord(value) ? JSON.stringify(value) : textOf(value);
}
