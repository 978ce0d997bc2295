import type { AnswerContext, StreamWriter } from '../codec.ts';
export function geminiArrayStream(_c: AnswerContext): StreamWriter {
  throw new Error('no');
}
