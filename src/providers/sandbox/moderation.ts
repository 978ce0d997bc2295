import type { JsonRecord } from '../../llm/record.ts';
import { recordOf } from '../../llm/record.ts';
import { listOf, textsOf } from './prompt.ts';
import { wordsIn } from './rerank.ts';

const CATEGORIES = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/intent',
  'self-harm/instructions',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
] as const;

/** A verdict is far longer than what may be asked about. */
const INPUTS_MAX = 256;

const CATEGORY_WORDS = CATEGORIES.map((name) => [name, [...wordsIn(name)]] as const);

/** A verdict on each text: a category holds where the text has the words of its name. Null: no input. */
export function moderationAnswer(body: JsonRecord, model: string, id: string): string | null {
  const inputs = inputsOf(body['input']);
  return inputs.length === 0 || inputs.length > INPUTS_MAX
    ? null
    : JSON.stringify({ id: `modr-${id}`, model, results: inputs.map((text) => verdictOn(text)) });
}

/** Texts are judged one by one; parts, such as a text and an image, together. */
function inputsOf(input: unknown): readonly string[] {
  if (typeof input === 'string') return [input];
  const parts = listOf(input);
  const isOfTexts = parts.every((part) => typeof part === 'string');
  if (isOfTexts) return textsOf(parts);
  return parts.every((part) => typeof recordOf(part)['type'] === 'string') ? [textsOf(parts).join('\n')] : [];
}

function verdictOn(text: string): JsonRecord {
  const words = wordsIn(text);
  const held = CATEGORY_WORDS.map(([name, named]) => [name, named.every((word) => words.has(word))] as const);
  return {
    flagged: held.some(([, holds]) => holds),
    categories: Object.fromEntries(held),
    category_scores: Object.fromEntries(held.map(([name, holds]) => [name, holds ? 1 : 0])),
    category_applied_input_types: Object.fromEntries(held.map(([name, holds]) => [name, holds ? ['text'] : []])),
  };
}
