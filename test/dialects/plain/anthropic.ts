import type { Ending, Json, PlainFormat } from './gist.ts';
import { count, gist, list, parsed, record, word } from './gist.ts';

const ANTHROPIC_ENDINGS: Readonly<Record<string, Ending>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'blocked',
};

export const anthropic: PlainFormat = {
  whole: (body) => {
    const blocks = list(body['content']).map(record);
    const usage = record(body['usage']);
    const cached = count(usage['cache_read_input_tokens']);
    const cacheWrite = count(usage['cache_creation_input_tokens']);
    return gist({
      text: blocks.map(({ type, text }) => (type === 'text' ? word(text) : '')).join(''),
      reasoning: blocks.map(({ thinking }) => word(thinking)).join(''),
      calls: blocks.flatMap(({ type, name, input }) =>
        type === 'tool_use' ? [{ name: word(name), arguments: input }] : [],
      ),
      ending: body['error'] === undefined ? ANTHROPIC_ENDINGS[word(body['stop_reason'])] : 'failed',
      usage: {
        input: count(usage['input_tokens']) + cached + cacheWrite,
        cached,
        cacheWrite,
        output: count(usage['output_tokens']),
        reasoning: count(record(usage['output_tokens_details'])['thinking_tokens']),
      },
    });
  },
  fold: (all) => {
    const head = record(all.find(({ type }) => type === 'message_start')?.['message']);
    const other = all.findIndex(
      ({ type, message }) => type === 'message_start' && record(message)['id'] !== head['id'],
    );
    const events = other < 0 ? all : [...all.slice(0, other), { type: 'error', error: 'Another answer begins.' }];
    const ends = events.filter(({ type }) => type === 'message_delta');
    const isOver = events.some(({ type }) => type === 'message_stop');
    const starts = events.filter(({ type }) => type === 'content_block_start');
    const error = events.find(({ type }) => type === 'error')?.['error'];
    const usages = [head['usage'], ...ends.map(({ usage }) => usage)].map(told);
    return {
      content: [...list(head['content']), ...starts.map((start) => foldedBlock(start, events))],
      stop_reason: record(ends.at(-1)?.['delta'] ?? head)['stop_reason'],
      error: isOver ? error : (error ?? 'The stream broke off.'),
      usage: Object.assign({}, ...usages) as Json,
    };
  },
};

/** The members that are told: null says nothing. */
function told(usage: unknown): Json {
  return Object.fromEntries(Object.entries(record(usage)).filter(([, value]) => value !== null));
}

function foldedBlock({ index, content_block: block }: Json, events: readonly Json[]): Json {
  const deltas = events
    .filter((event) => event['type'] === 'content_block_delta' && event['index'] === index)
    .map(({ delta }) => record(delta));
  const { type, name, input, text, thinking } = record(block);
  if (type === 'text') return { type, text: word(text) + deltas.map((delta) => word(delta['text'])).join('') };
  if (type === 'thinking')
    return { type, thinking: word(thinking) + deltas.map((delta) => word(delta['thinking'])).join('') };
  const json = deltas.map(({ partial_json: piece }) => word(piece)).join('');
  return { type, name, input: json === '' ? input : parsed(json) };
}
