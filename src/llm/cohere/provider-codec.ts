import type { ProviderCodec } from '../codec.ts';
import { cohereRerank } from '../rerank.ts';
import { readEmbeddings, writeEmbeddings } from './embeddings.ts';
import { readAnswer } from './read-answer.ts';
import { readStream } from './read-stream.ts';
import { writeChat } from './write-chat.ts';

/** Cohere's API v2: chat, embed and rerank. */
export const cohereProvider: ProviderCodec = {
  writeChat,
  readChat: readAnswer,
  readStream,
  embeddings: { write: writeEmbeddings, read: readEmbeddings },
  rerank: cohereRerank,
};
