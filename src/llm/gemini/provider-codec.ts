import type { ChatRequest } from '../canonical.ts';
import type { ProviderCodec, TargetModel } from '../codec.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { countOf } from '../record.ts';
import type { Report } from '../report.ts';
import { resourceName } from './dialect.ts';
import { embeddingsOfProvider } from './embeddings.ts';
import { readAnswer } from './read-answer.ts';
import { readStream } from './read-stream.ts';
import { writeChat } from './write-chat.ts';

/** Gemini as Google speaks it. Streams are asked for with `alt=sse`, and read in either framing. */
export const geminiProvider: ProviderCodec = {
  writeChat,
  readChat: readAnswer,
  readStream,
  embeddings: embeddingsOfProvider,
  tokenCount: { write: writeTokenCount, read: readTokenCount },
};

/** Beside `contents` Google counts only what stands in a whole request (https://ai.google.dev/api/tokens). */
function writeTokenCount(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  const body = writeChat(request, target, report);
  const { contents, systemInstruction, tools } = body;
  if (systemInstruction === undefined && tools === undefined) return { contents };
  return { generateContentRequest: { model: resourceName(target.name), ...body } };
}

function readTokenCount(body: JsonRecord): number {
  const count = countOf(body['totalTokens']);
  if (count === null) throw new AnswerFault('an answer without "totalTokens"');
  return count;
}
