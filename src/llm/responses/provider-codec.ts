/** OpenAI Responses, as providers speak it. */
import type { ProviderCodec } from '../codec.ts';
import { readAnswer } from './read-answer.ts';
import { readStream } from './read-stream.ts';
import { writeChat } from './write-chat.ts';

export const responsesProvider: ProviderCodec = { writeChat, readChat: readAnswer, readStream };
