import type { DialectName } from '../../../src/llm/dialect.ts';
import { anthropic } from './anthropic.ts';
import { bedrock } from './bedrock.ts';
import { cohere } from './cohere.ts';
import { gemini } from './gemini.ts';
import { mistral } from './mistral.ts';
import { openai } from './openai.ts';
import { replicate } from './replicate.ts';
import { responses } from './responses.ts';
import type { Speaker } from './said.ts';

/** Every format that a provider may speak. */
export const SPEAKERS: Readonly<Record<DialectName, Speaker>> = {
  openai,
  'openai-responses': responses,
  anthropic,
  gemini,
  bedrock,
  cohere,
  mistral,
  replicate,
};
