/** OpenAI Responses, as clients speak it. */
import type { ClientCodec } from '../codec.ts';
import { readChat } from './read-chat.ts';
import { writeAnswer } from './write-answer.ts';
import { streamChat } from './write-stream.ts';

/** See refuse-stateful.ts for requests that cannot go to another dialect. */
export const responsesClient: ClientCodec = { readChat, writeChat: writeAnswer, streamChat };
