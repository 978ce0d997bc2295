/** Replicate's predictions: https://replicate.com/docs/reference/http; a stream would be at another URL. */
import { pieces } from './said.ts';
import type { Said, Speaker } from './said.ts';

export const replicate: Speaker = {
  contentType: 'application/json',
  streamType: 'application/json',
  says: [],
  textOnly: true,
  whole: prediction,
  stream: (said) => pieces(JSON.stringify(prediction(said))).map((piece) => Buffer.from(piece)),
};

function prediction({ id, model, text, finish, usage }: Said): object {
  return {
    id,
    model,
    version: 'hidden',
    // It repeats what was asked; why the model ended it does not say.
    input: { prompt: 'Hi', max_tokens: finish === 'length' ? usage.output : 1_000 },
    logs: '',
    output: pieces(text ?? ''),
    data_removed: false,
    error: null,
    status: 'succeeded',
    created_at: '2026-09-21T14:13:20.123Z',
    started_at: '2026-09-21T14:13:20.456Z',
    completed_at: '2026-09-21T14:13:21.789Z',
    urls: {
      get: `https://api.replicate.com/v1/predictions/${id}`,
      cancel: `https://api.replicate.com/v1/predictions/${id}/cancel`,
      stream: `https://stream.replicate.com/v1/files/${id}`,
    },
    metrics: { input_token_count: usage.input, output_token_count: usage.output, predict_time: 1.3, total_time: 1.6 },
  };
}
