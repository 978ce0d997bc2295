/**
 * The `response` of a function. Google wants an object, with `output` or `error` where the function
 * gave no object (https://ai.google.dev/api/caching#FunctionResponse).
 */
import type { TextPart, ToolResultPart } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, parsedOrUndefined } from '../record.ts';

/** What a result says in text. */
export function responseOf(result: ToolResultPart): JsonRecord {
  const texts = result.parts.filter((part) => part.kind === 'text').map(({ text }) => text);
  const text = texts.join('\n');
  const object = objectOf(text);
  if (result.isError) return { error: object ?? text };
  if (texts.length === 0 && result.parts.length > 0) return {};
  // What reading would take apart, or for no text at all, goes in a wrapper of its own.
  return object === null || isWrapped(object) || Object.keys(object).length === 0 ? { output: object ?? text } : object;
}

/** JSON text of an object whose numbers survive being parsed. */
function objectOf(text: string): JsonRecord | null {
  if (!/^\s*\{/.test(text) || /\d{16}/.test(text)) return null;
  const parsed = parsedOrUndefined(text);
  return isRecord(parsed) ? parsed : null;
}

const WRAPPERS = ['output', 'error', 'result'];

function isWrapped(object: JsonRecord): boolean {
  const names = Object.keys(object);
  return names.length === 1 && WRAPPERS.includes(names[0] ?? '');
}

/** The text of a `response`, and whether it tells an error. */
export function readResponse(response: JsonRecord): { readonly texts: readonly TextPart[]; readonly isError: boolean } {
  const [name, value] = isWrapped(response) ? (Object.entries(response)[0] ?? []) : [];
  if (name === undefined) {
    const isEmpty = Object.keys(response).length === 0;
    return { texts: isEmpty ? [] : [textPart(response)], isError: false };
  }
  return { texts: value === '' ? [] : [textPart(value)], isError: name === 'error' };
}

function textPart(value: unknown): TextPart {
  return { kind: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) };
}
