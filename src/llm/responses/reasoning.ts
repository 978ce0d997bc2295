/** Reasoning items: a summary (or the reasoning itself) and `encrypted_content`, which proves it. */
import type { Signature, ThinkingPart } from '../canonical.ts';
import { isRecord, type JsonRecord } from '../record.ts';
import { openSignature, sealSignature } from '../signature.ts';
import { itemExtra } from './item-ids.ts';

/** Between the parts of a summary. */
export const PARAGRAPH = '\n\n';

/** Says that a foreign signature stands for reasoning that is not shown: clients may drop every other mark. */
const REDACTED = 'kwredacted.';

const KNOWN: ReadonlySet<string> = new Set(['type', 'summary', 'content', 'encrypted_content']);

/** The summary, or where there is none the reasoning that the model shows as it is. */
export function reasoningText(item: JsonRecord): string {
  return textsOf(item['summary']) || textsOf(item['content']);
}

/** `signature` is what the item's `encrypted_content` means to the reader. */
export function thinkingOf(item: JsonRecord, signature: Signature | null): ThinkingPart {
  const content: unknown = item['content'];
  const rest = itemExtra(item, KNOWN);
  const extra = Array.isArray(content) && content.length > 0 ? { ...rest, content } : rest;
  return {
    kind: 'thinking',
    text: reasoningText(item),
    signature,
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** The members that say a thinking part's text: where `extra` holds it already (`content`), it is not said twice. */
export function summaryOf({ text, extra }: ThinkingPart): JsonRecord {
  const isContent = extra !== undefined && textsOf(extra['content']) === text;
  return { summary: text === '' || isContent ? [] : [{ type: 'summary_text', text }] };
}

/** `encrypted_content` for a client: its own, or any other in an envelope. */
export function sealEncrypted(signature: Signature, redacted: boolean): string {
  const sealed = sealSignature(signature, 'openai-responses');
  return redacted && signature.of !== 'openai-responses' ? REDACTED + sealed : sealed;
}

export function openEncrypted(text: string): { readonly signature: Signature; readonly redacted?: boolean } {
  if (!text.startsWith(REDACTED)) return { signature: openSignature(text, 'openai-responses') };
  const signature = openSignature(text.slice(REDACTED.length), 'openai-responses');
  return signature.of === 'openai-responses'
    ? { signature: { of: 'openai-responses', value: text } }
    : { signature, redacted: true };
}

function textsOf(value: unknown): string {
  if (!Array.isArray(value)) return '';
  return value
    .filter(isRecord)
    .map((part) => part['text'])
    .filter((text) => typeof text === 'string' && text !== '')
    .join(PARAGRAPH);
}
