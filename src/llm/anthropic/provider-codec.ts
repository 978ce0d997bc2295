/** Anthropic Messages as providers speak it. */
import type { ProviderCodec } from '../codec.ts';
import { readAnswer, readTokenCount } from './read-answer.ts';
import { readStream } from './read-stream.ts';
import { writeChat, writeTokenCount } from './write-chat.ts';

/** Where `usesJsonTool` (json-tool.ts) holds for a request, its answer must be turned back by what stands there. */
export const anthropicProvider: ProviderCodec = {
  writeChat,
  readChat: readAnswer,
  readStream,
  tokenCount: { write: writeTokenCount, read: readTokenCount },
};
