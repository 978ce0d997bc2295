/** Translation of what is no conversation: vectors, orders of documents, numbers of tokens. */
import type { ChatRequest, EmbeddingRequest, RerankRequest } from './canonical.ts';
import { withTrueTypes } from './check-media.ts';
import type { AnswerContext, ClientCodec, ProviderCodec, TargetModel } from './codec.ts';
import type { ModelOperation, Usage } from './dialect.ts';
import { inputUsage } from './input-usage.ts';
import type { JsonRecord } from './record.ts';
import { Report } from './report.ts';
import { writeRerankAnswer } from './rerank.ts';
import { answerRecord } from './translate.ts';
import type { Translation } from './translate.ts';

type Context = Omit<AnswerContext, 'request'>;

/** Texts to vectors; `client` is the form in which the caller asked. */
export function translateEmbeddings(
  request: EmbeddingRequest,
  client: NonNullable<ClientCodec['embeddings']>,
  provider: NonNullable<ProviderCodec['embeddings']>,
  target: TargetModel,
  context: Context,
): Translation {
  const report = new Report();
  const body = provider.write(request, target, report);
  return wholeOnly(provider.operation?.(request) ?? 'embeddings', body, report, (answer, toldInputTokens) => {
    const read = provider.read(answer);
    const usage = read.usage ?? inputUsage(toldInputTokens);
    return { value: client.write({ ...read, usage }, request, context), usage };
  });
}

/** Documents to their order. */
export function translateRerank(
  request: RerankRequest,
  provider: NonNullable<ProviderCodec['rerank']>,
  target: TargetModel,
): Translation {
  const report = new Report();
  const body = provider.write(request, target, report);
  return wholeOnly('rerank', body, report, (answer) => {
    const read = provider.read(answer);
    return { value: writeRerankAnswer(read, request), usage: read.usage };
  });
}

/** A conversation to the number of its input tokens, by the provider's own count. */
export function translateTokenCount(
  request: ChatRequest,
  client: NonNullable<ClientCodec['writeTokenCount']>,
  provider: NonNullable<ProviderCodec['tokenCount']>,
  target: TargetModel,
): Translation {
  const report = new Report();
  const body = provider.write(withTrueTypes(request, report), target, report);
  return wholeOnly('count_tokens', body, report, (answer) => ({ value: client(provider.read(answer)), usage: null }));
}

function wholeOnly(
  operation: ModelOperation,
  body: JsonRecord,
  report: Report,
  read: (
    answer: JsonRecord,
    toldInputTokens: number | null,
  ) => { readonly value: JsonRecord; readonly usage: Usage | null },
): Translation {
  return {
    operation,
    body,
    warnings: report.warnings,
    readAnswer: (bytes, toldInputTokens = null) => {
      const { value, usage } = read(answerRecord(bytes), toldInputTokens);
      return { text: JSON.stringify(value), usage, outputTokensEstimate: 0, isWhole: true, warnings: report.warnings };
    },
    stream: null,
  };
}

/** Of running text, in most languages. */
const BYTES_PER_TOKEN = 4;

/** A guess at the input tokens of a request, for models that nobody counts for. */
export function estimateInputTokens(body: Uint8Array): number {
  return Math.max(1, Math.ceil(body.length / BYTES_PER_TOKEN));
}
