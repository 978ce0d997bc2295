/** Anthropic Messages as clients speak it. */
import type { ClientCodec } from '../codec.ts';
import { readChat } from './read-chat.ts';
import { writeAnswer } from './write-answer.ts';
import { streamChat } from './write-stream.ts';

/** Also for questions for the number of tokens, whose bodies are read like requests. */
export const anthropicClient: ClientCodec = {
  readChat,
  writeChat: writeAnswer,
  streamChat,
  writeTokenCount: (inputTokens) => ({ input_tokens: inputTokens }),
};
