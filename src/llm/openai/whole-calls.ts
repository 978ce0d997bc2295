import type { AnswerContext, StreamWriter } from '../codec.ts';
import type { Report } from '../report.ts';
import { ChatStreamWriter } from './write-stream.ts';

/** A stream for clients that read calls in one piece only (client-ways.ts). */
export function wholeCallStream(context: AnswerContext, report: Report): StreamWriter {
  return new ChatStreamWriter(context, report, { wholeCalls: true });
}
