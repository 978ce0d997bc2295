import type { JsonRecord } from '../../llm/record.ts';
import { chatUsage } from './openai-chat.ts';
import type { Prompt } from './prompt.ts';
import { promptOf, textsOf } from './prompt.ts';
import type { Reply } from './reply.ts';

/** Reads a request for the completion of a text; null if it has no prompt. */
export function readCompletion(body: JsonRecord): Prompt | null {
  const texts = textsOf(body['prompt']);
  return texts.length === 0 ? null : promptOf([{ fromUser: true, texts }], [], 'none');
}

/** A whole text completion. */
export function completionAnswer(reply: Reply): string {
  return JSON.stringify({ ...completionPart(reply, reply.text, 'stop'), usage: chatUsage(reply) });
}

/** The events of a text completion stream. */
export function* completionEvents(reply: Reply, pieces: Iterable<string>, tellUsage: boolean): Generator<string> {
  const nothing = tellUsage ? { usage: null } : {};
  const event = (part: JsonRecord): string => `data: ${JSON.stringify(part)}\n\n`;
  for (const piece of pieces) yield event({ ...completionPart(reply, piece, null), ...nothing });
  yield event({ ...completionPart(reply, '', 'stop'), ...nothing });
  if (tellUsage) yield event({ ...completionPart(reply, '', null), choices: [], usage: chatUsage(reply) });
  yield 'data: [DONE]\n\n';
}

function completionPart(reply: Reply, text: string, finish: string | null): JsonRecord {
  return {
    id: `cmpl-${reply.id}`,
    object: 'text_completion',
    created: 0,
    model: reply.model,
    choices: [{ text, index: 0, logprobs: null, finish_reason: finish }],
  };
}
