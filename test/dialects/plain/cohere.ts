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
    return gist(
      chatText(message['content']),
      calls.map(({ name, arguments: args }) => ({ name: word(name), arguments: parsed(args) })),
      COHERE_ENDINGS[word(body['finish_reason'])],
      {
        input,
        cached: Math.min(input, Math.max(0, count(usage['cached_tokens']) - unbilled)),
        cacheWrite: 0,
        output: count(billed['output_tokens']),
        reasoning: 0,
      },
    );
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
    const texts = events
      .filter(({ type }) => type === 'content-start' || type === 'content-delta')
      .map((event) => word(record(message(event)['content'])['text']));
    return { ...record(of('message-end')[0]?.['delta']), message: { content: texts.join(''), tool_calls: calls } };
  },
};
