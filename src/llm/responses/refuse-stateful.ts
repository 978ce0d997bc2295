/** What of a request lies at OpenAI and cannot be said to anybody else. */
import type { ChatRequest } from '../canonical.ts';
import { RequestFault } from '../faults.ts';

const STATE: Readonly<Record<string, string>> = {
  previous_response_id: 'send the whole conversation in input instead',
  conversation: 'send the whole conversation in input instead',
  prompt: 'send its text in instructions and input instead',
};

/** Items that stand for what only OpenAI holds, or can read. */
const STATE_ITEMS: ReadonlySet<string> = new Set(['item_reference', 'compaction', 'compaction_summary']);

/** Throws a RequestFault where the request rests on state of OpenAI's, so that no other dialect can carry it. */
export function refuseStateful(request: ChatRequest): void {
  if (request.extraOf !== 'openai-responses') return;
  for (const [field, advice] of Object.entries(STATE))
    if (Object.hasOwn(request.extra, field))
      throw new RequestFault(field, `${field} lies at OpenAI, and this model is not served there: ${advice}.`);
  if (request.extra['background'] === true)
    throw new RequestFault('background', 'background needs OpenAI, and this model is not served there: leave it out.');
  for (const turn of request.turns)
    for (const part of turn.parts)
      if (part.kind === 'opaque' && part.of === 'openai-responses') refuseItem(part.value['type']);
}

function refuseItem(type: unknown): void {
  const name = typeof type === 'string' ? type : 'item_reference';
  if (!STATE_ITEMS.has(name)) return;
  throw new RequestFault(
    'input',
    `input holds an item of type ${name}, which only OpenAI can read: send what it stands for instead.`,
  );
}
