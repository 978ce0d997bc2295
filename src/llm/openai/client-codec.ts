/** OpenAI Chat Completions and Embeddings as clients speak them. */
import type { ClientCodec } from '../codec.ts';
import { readEmbeddingRequest, writeEmbeddingAnswer } from './embeddings.ts';
import { readChat } from './read-chat.ts';
import { writeAnswer } from './write-answer.ts';
import { ChatStreamWriter } from './write-stream.ts';

export const openaiClient: ClientCodec = {
  readChat,
  writeChat: writeAnswer,
  streamChat: (context, report) => new ChatStreamWriter(context, report),
  embeddings: { read: readEmbeddingRequest, write: writeEmbeddingAnswer },
};
