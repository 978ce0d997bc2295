/** A format asked for in words, where a provider has no setting for it, or wants words besides. */
import type { OutputFormat, Turn } from './canonical.ts';

/** The sentence that asks for the format; null where text is what is wanted. */
export function formatInstruction(format: OutputFormat | null): string | null {
  if (format === null || format.kind === 'text') return null;
  if (format.kind === 'json') return 'Answer with one JSON object and nothing else: no other text, no code fence.';
  return `Answer with JSON that follows this schema and nothing else: no other text, no code fence.\n${JSON.stringify(format.schema)}`;
}

/**
 * Whether the conversation itself speaks of JSON: OpenAI refuses its JSON mode without the word, and
 * models of others that are not told may write white space without end.
 */
export function speaksOfJson(turns: readonly Turn[]): boolean {
  return turns.some(({ parts }) => parts.some((part) => part.kind === 'text' && /json/i.test(part.text)));
}
