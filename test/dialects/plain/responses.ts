import type { Ending, Json, PlainFormat } from './gist.ts';
import { count, gist, last, list, parsed, record, word } from './gist.ts';

export const responses: PlainFormat = {
  whole: (body) => {
    const items = list(body['output']).map(record);
    const contents = items.flatMap(({ type, content }) => (type === 'message' ? list(content).map(record) : []));
    const calls = items.flatMap(({ type, name, arguments: args, input }) => {
      if (type === 'custom_tool_call') return [{ name: word(name), arguments: input }];
      return type === 'function_call' ? [{ name: word(name), arguments: parsed(args) }] : [];
    });
    const usage = record(body['usage']);
    return gist({
      text: contents.map(({ text, refusal }) => word(text) + word(refusal)).join(''),
      reasoning: items.map(responsesReasoning).join(''),
      calls,
      ending: responsesEnding(body),
      usage: {
        input: count(usage['input_tokens']),
        cached: count(record(usage['input_tokens_details'])['cached_tokens']),
        cacheWrite: count(record(usage['input_tokens_details'])['cache_write_tokens']),
        output: Math.max(count(usage['output_tokens']), count(usage['total_tokens']) - count(usage['input_tokens'])),
        reasoning: count(record(usage['output_tokens_details'])['reasoning_tokens']),
      },
    });
  },
  fold: (events) => {
    const done = events
      .filter(({ type }) => type === 'response.output_item.done')
      .toSorted((a, b) => count(a['output_index']) - count(b['output_index']));
    const end = last(events, ({ type }) => /^response\.(?:completed|incomplete|failed)$/.test(word(type)));
    const error = events.find(({ type }) => type === 'error');
    return {
      ...record(end?.['response']),
      output: done.map((event) => toldItem(event, events)),
      ...(error === undefined && end !== undefined ? {} : { status: 'failed' }),
    };
  },
};

/** The item with the texts of its deltas; its end may hold more than them in a recording that was shortened. */
function toldItem({ item, output_index }: Json, events: readonly Json[]): Json {
  const { content, ...rest } = record(item);
  if (rest['type'] !== 'message') return record(item);
  const texts = list(content).map((part, index) => {
    const { type, text, refusal } = record(part);
    const deltas = events.filter(
      (event) =>
        /^response\.(?:output_text|refusal)\.delta$/.test(word(event['type'])) &&
        event['output_index'] === output_index &&
        count(event['content_index']) === index,
    );
    const told = deltas.map(({ delta }) => word(delta)).join('');
    const whole = word(text) + word(refusal);
    return { type, text: whole.startsWith(told) ? whole : told };
  });
  return { ...rest, content: texts };
}

/** A summary, or the reasoning itself where there is no summary. */
function responsesReasoning({ type, summary, content }: Json): string {
  if (type !== 'reasoning') return '';
  const parts = list(summary).length > 0 ? list(summary) : list(content);
  return parts.map((part) => word(record(part)['text'])).join('');
}

function responsesEnding(body: Json): Ending {
  if (body['error'] !== undefined && body['error'] !== null) return 'failed';
  if (body['status'] !== 'incomplete') return body['status'] === 'completed' ? 'stop' : 'failed';
  const { reason } = record(body['incomplete_details']);
  return reason === 'content_filter' ? 'blocked' : reason === 'max_output_tokens' ? 'length' : 'stop';
}
