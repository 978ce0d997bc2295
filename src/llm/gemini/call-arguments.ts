/** The arguments of a call: an object here, JSON text elsewhere. */
import type { JsonRecord } from '../record.ts';
import { isRecord, parsedOrUndefined } from '../record.ts';

/** The object, or null where the text is none (cut short, or a custom tool's input). */
export function argsOf(text: string): JsonRecord | null {
  const parsed = text.trim() === '' ? {} : parsedOrUndefined(text);
  return isRecord(parsed) ? parsed : null;
}
