import { anthropic } from './anthropic.ts';
import type { Dialect, DialectName } from './dialect.ts';
import { gemini } from './gemini.ts';
import { openaiResponses } from './openai-responses.ts';
import { openai } from './openai.ts';

/** Every wire format that the gateway speaks. */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  openai,
  'openai-responses': openaiResponses,
  anthropic,
  gemini,
};
