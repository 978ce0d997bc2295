import type { ClientCodec } from '../codec.ts';
import { embeddingsOfClient } from './embeddings.ts';
import { readChat } from './read-chat.ts';
import { writeAnswer } from './write-answer.ts';
import { geminiEventStream } from './write-stream.ts';

/**
 * Gemini as its clients speak it. A stream without `alt=sse` is written by `geminiArrayStream`,
 * `batchEmbedContents` is read and answered by `geminiBatchEmbeddings`.
 */
export const geminiClient: ClientCodec = {
  readChat,
  writeChat: writeAnswer,
  streamChat: geminiEventStream,
  embeddings: embeddingsOfClient,
  writeTokenCount: (inputTokens) => ({ totalTokens: inputTokens }),
};
