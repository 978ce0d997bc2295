import type { PlainFormat } from './gist.ts';
import { count, gist, list, record, word } from './gist.ts';

export const replicate: PlainFormat = {
  whole: (body) => {
    const metrics = record(body['metrics']);
    const output = count(metrics['output_token_count']);
    return gist({
      text: word(body['output']) + list(body['output']).map(word).join(''),
      reasoning: '',
      calls: [],
      ending: body['status'] !== 'succeeded' ? 'failed' : output < limitOf(body['input']) ? 'stop' : 'length',
      usage: { input: count(metrics['input_token_count']), cached: 0, cacheWrite: 0, output, reasoning: 0 },
    });
  },
  fold: ([body = {}]) => body,
};

function limitOf(input: unknown): number {
  return count(record(input)['max_tokens']) || Number.POSITIVE_INFINITY;
}
