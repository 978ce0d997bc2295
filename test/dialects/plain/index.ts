/**
 * A second, plain reading of every wire format, which shares nothing with the codecs: a stream is
 * folded into the whole answer that it amounts to, and of that the gist is taken. It serves for what a
 * provider said as well as for what a client received.
 */
import type { DialectName } from '../../../src/llm/dialect.ts';
import { anthropic } from './anthropic.ts';
import { bedrock } from './bedrock.ts';
import { chat } from './chat.ts';
import { cohere } from './cohere.ts';
import { gemini } from './gemini.ts';
import type { PlainFormat } from './gist.ts';
import { replicate } from './replicate.ts';
import { responses } from './responses.ts';

/** Every format, read plainly. */
export const PLAIN_FORMATS: Readonly<Record<DialectName, PlainFormat>> = {
  openai: chat,
  mistral: chat,
  'openai-responses': responses,
  anthropic,
  gemini,
  bedrock,
  cohere,
  replicate,
};
