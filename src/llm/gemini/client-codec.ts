import type { ClientCodec } from '../codec.ts';
import { embeddingsOfClient, geminiBatchEmbeddings } from './embeddings.ts';
import { readChat } from './read-chat.ts';
import { writeAnswer } from './write-answer.ts';
import { geminiEventStream } from './write-stream.ts';

/**
 * Gemini as its clients speak it. A stream without `alt=sse` is written by `geminiArrayStream`.
 */
export const geminiClient: ClientCodec = {
  readChat,
  writeChat: writeAnswer,
  streamChat: geminiEventStream,
  embeddings: embeddingsOfClient,
  batchEmbeddings: geminiBatchEmbeddings,
  writeTokenCount: (inputTokens) => ({ totalTokens: inputTokens }),
};
