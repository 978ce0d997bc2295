import type { ProviderCodec } from '../codec.ts';
import { readAnswer } from './read-answer.ts';
import { readStream } from './read-stream.ts';
import { writeChat } from './write-chat.ts';

/** Replicate's predictions, for language models: text in, text out. */
export const replicateProvider: ProviderCodec = { writeChat, readChat: readAnswer, readStream };
