/** InvokeModel, whose body each maker has in a form of its own, for the makers of text embeddings. */
import type { EmbeddingAnswer, EmbeddingRequest } from '../canonical.ts';
import type { ProviderCodec, TargetModel } from '../codec.ts';
import { isVector, readEmbeddings, writeEmbeddings } from '../cohere/embeddings.ts';
import { AnswerFault, RequestFault } from '../faults.ts';
import { inputUsage } from '../input-usage.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import { countOf } from '../record.ts';
import type { Report } from '../report.ts';

/** For Amazon Titan and Cohere Embed; the model stands in the path. */
export const bedrockEmbeddings: NonNullable<ProviderCodec['embeddings']> = {
  serves: (model) => TITAN.test(model) || COHERE.test(model),
  write: (request, target, report) =>
    TITAN.test(target.name) ? writeTitan(request, target, report) : writeCohere(request, target, report),
  read: (body) => ('embedding' in body ? readTitan(body) : readEmbeddings(body)),
};

// Behind the prefix of an inference profile, or at the end of an ARN.
const TITAN = /(?:^|[./])amazon\.titan-embed-(?:g1-)?text-/;
const TITAN_V2 = /(?:^|[./])amazon\.titan-embed-text-v2\b/;
const COHERE = /(?:^|[./])cohere\.embed-/;
const COHERE_V3 = /(?:^|[./])cohere\.embed-(?:english|multilingual)-v3\b/;

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html */
function writeTitan(request: EmbeddingRequest, { name }: TargetModel, report: Report): JsonRecord {
  const { inputs, dimensions, purpose, user, extra, extraOf } = request;
  const [text] = inputs;
  if (inputs.length !== 1) {
    const field = extraOf === 'gemini' ? 'requests' : 'input';
    throw new RequestFault(
      field,
      `"${field}" has ${inputs.length} texts, and Amazon Titan takes one: send one text per call, or choose another model.`,
    );
  }
  if (typeof text !== 'string')
    throw new RequestFault('input', 'Amazon Titan takes texts, not numbers of tokens: send the text.');
  if (purpose !== null) report.dropped('purpose', 'the provider does not ask what the texts are for');
  if (user !== null) report.dropped('user', 'Amazon Bedrock has no such field');
  const isV2 = TITAN_V2.test(name);
  if (!isV2) requireLength(request, 1536);
  return {
    ...ownExtra(extra, '', { extraOf, dialect: 'bedrock', report }),
    inputText: text,
    ...(isV2 && dimensions !== null ? { dimensions } : {}),
  };
}

/** That of Cohere's own API (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html). */
function writeCohere(request: EmbeddingRequest, target: TargetModel, report: Report): JsonRecord {
  const isV3 = COHERE_V3.test(target.name);
  if (isV3) requireLength(request, 1024);
  const { model: _, ...body } = writeEmbeddings(isV3 ? { ...request, dimensions: null } : request, target, report);
  return body;
}

/** Of models that leave no choice: vectors of another length than was asked for are of no use. */
function requireLength({ dimensions, extraOf }: EmbeddingRequest, length: number): void {
  if (dimensions === null || dimensions === length) return;
  const field = extraOf === 'gemini' ? 'outputDimensionality' : 'dimensions';
  throw new RequestFault(field, `"${field}" can only be ${length} here: leave it out, or choose another model.`);
}

function readTitan({ embedding, inputTextTokenCount }: JsonRecord): EmbeddingAnswer {
  if (!isVector(embedding)) throw new AnswerFault('the embedding is no list of numbers');
  return { model: '', vectors: [embedding], usage: inputUsage(countOf(inputTextTokenCount)) };
}
