import { anthropic } from './anthropic/dialect.ts';
import type { Dialect, ClientDialectName } from './dialect.ts';
import { gemini } from './gemini/dialect.ts';
import { openaiResponses } from './responses/dialect.ts';
import { openai } from './openai/dialect.ts';

/** Every wire format that the gateway speaks. */
export const DIALECTS: Readonly<Record<ClientDialectName, Dialect>> = {
  openai,
  'openai-responses': openaiResponses,
  anthropic,
  gemini,
};
