import { conversePath, countTokensPath, invokePath } from './bedrock/paths.ts';
import type { DialectName, ModelOperation, ProviderDialect } from './dialect.ts';
import { DIALECTS } from './index.ts';
import { keptQuery } from './kept-query.ts';
import { predictionsPath } from './replicate/model-names.ts';

/** https://docs.mistral.ai/api; the base URL ends in `/v1`. */
const mistral: ProviderDialect = {
  name: 'mistral',
  requestHeaders: [],
  responseHeaders: ['retry-after'],
  requestIdHeader: 'mistral-correlation-id',
  takesUrls: true,
  streamType: 'text/event-stream',
  healthPath: '/models',
  upstreamPath: byOperation({ chat: '/chat/completions', embeddings: '/embeddings' }),
};

/** https://docs.cohere.com/reference/chat; the base URL has no path. */
const cohere: ProviderDialect = {
  name: 'cohere',
  reranks: true,
  requestHeaders: [],
  responseHeaders: ['retry-after'],
  requestIdHeader: 'x-debug-trace-id',
  takesUrls: true,
  streamType: 'text/event-stream',
  healthPath: '/v1/models',
  upstreamPath: byOperation({ chat: '/v2/chat', embeddings: '/v2/embed', rerank: '/v2/rerank' }),
};

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html */
const bedrock: ProviderDialect = {
  name: 'bedrock',
  requestHeaders: [],
  responseHeaders: [],
  requestIdHeader: 'x-amzn-requestid',
  takesUrls: false,
  streamType: 'application/vnd.amazon.eventstream',
  inputTokensHeader: 'x-amzn-bedrock-input-token-count',
  upstreamPath: (operation, model, stream) => {
    if (operation === 'chat') return conversePath(model, stream);
    if (operation === 'count_tokens') return countTokensPath(model);
    return operation === 'embeddings' ? invokePath(model) : null;
  },
};

/**
 * https://replicate.com/docs/reference/http; the base URL ends in `/v1`. A prediction is waited for as
 * long as Replicate lets wait, and cancelled where it has not finished by then:
 * https://replicate.com/changelog/2025-10-16-prediction-deadlines
 */
const replicate: ProviderDialect = {
  name: 'replicate',
  requestHeaders: ['prefer', 'cancel-after'],
  responseHeaders: ['retry-after'],
  requestIdHeader: 'x-request-id',
  takesUrls: true,
  streamType: 'text/event-stream',
  answersWhole: true,
  callHeaders: ['prefer', 'wait=60', 'cancel-after', '1m'],
  healthPath: '/account',
  upstreamPath: (operation, model) => (operation === 'chat' ? predictionsPath(model) : null),
};

function byOperation(paths: Readonly<Partial<Record<ModelOperation, string>>>): ProviderDialect['upstreamPath'] {
  return (operation, _model, _stream, query) => {
    const path = paths[operation];
    return path === undefined ? null : path + keptQuery(query);
  };
}

/** Every wire format of a provider: those of the clients, and those which only providers speak. */
export const PROVIDER_DIALECTS: Readonly<Record<DialectName, ProviderDialect>> = {
  ...DIALECTS,
  mistral,
  cohere,
  bedrock,
  replicate,
};
