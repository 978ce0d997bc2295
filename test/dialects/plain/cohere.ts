import { chatText } from './chat.ts';
import type { Ending, Json, PlainFormat } from './gist.ts';
import { count, gist, list, parsed, record, word } from './gist.ts';

const COHERE_ENDINGS: Readonly<Record<string, Ending>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  TOOL_CALL: 'tool_calls',
  ERROR_TOXIC: 'blocked',
  ERROR: 'failed',
};

export const cohere: PlainFormat = {
  whole: (body) => {
    const message = record(body['message']);
    const calls = list(message['tool_calls']).map((call) => record(record(call)['function']));
    const usage = record(body['usage']);
    const billed = record(usage['billed_units']);
    const input = count(billed['input_tokens']);
    // What is cached begins with the vendor's own prompt, which is not billed.
    const unbilled = count(record(usage['tokens'])['input_tokens']) - input;
    return gist({
      text: chatText(message['content']),
      reasoning:
        word(message['tool_plan']) +
        list(message['content'])
          .map((part) => word(record(part)['thinking']))
          .join(''),
      calls: calls.map(({ name, arguments: args }) => ({ name: word(name), arguments: parsed(args) })),
      ending: COHERE_ENDINGS[word(body['finish_reason'])],
      usage: {
        input,
        cached: Math.min(input, Math.max(0, count(usage['cached_tokens']) - unbilled)),
        cacheWrite: 0,
        output: count(billed['output_tokens']),
        reasoning: 0,
      },
    });
  },
  fold: (events) => {
    const of = (type: string) => events.filter((event) => event['type'] === type);
    const message = (event: Json) => record(record(event['delta'])['message']);
    const calls = of('tool-call-start').map((start) => {
      const begun = record(record(message(start)['tool_calls'])['function']);
      const pieces = of('tool-call-delta')
        .filter(({ index }) => index === start['index'])
        .map((event) => word(record(record(message(event)['tool_calls'])['function'])['arguments']));
      return { function: { name: begun['name'], arguments: word(begun['arguments']) + pieces.join('') } };
    });
    const texts = (kind: string) =>
      events
        .filter(({ type }) => type === 'content-start' || type === 'content-delta')
        .map((event) => word(record(message(event)['content'])[kind]))
        .join('');
    const content = [
      { type: 'text', text: texts('text') },
      { type: 'thinking', thinking: texts('thinking') },
    ];
    const plan = of('tool-plan-delta')
      .map((event) => word(message(event)['tool_plan']))
      .join('');
    return { ...record(of('message-end')[0]?.['delta']), message: { content, tool_plan: plan, tool_calls: calls } };
  },
};
