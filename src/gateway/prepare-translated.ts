import type { EndpointSnapshot } from '../config/snapshot.ts';
import { requireAbilities } from '../llm/abilities.ts';
import type { ChatRequest } from '../llm/canonical.ts';
import { checkMediaBytes } from '../llm/check-media.ts';
import { checkRequest } from '../llm/check-request.ts';
import type { AnswerContext, ProviderCodec, RequestFacts, StreamReader } from '../llm/codec.ts';
import { CLIENT_CODECS, providerCodec } from '../llm/codecs.ts';
import type { ClientDialectName } from '../llm/dialect.ts';
import { RequestFault } from '../llm/faults.ts';
import { geminiArrayStream } from '../llm/gemini/write-stream.ts';
import { estimateOutputTokens } from '../llm/output-estimate.ts';
import type { OutputEstimate } from '../llm/output-estimate.ts';
import { parsedOrUndefined, recordOf } from '../llm/record.ts';
import type { JsonRecord } from '../llm/record.ts';
import { nameCallsOf } from '../llm/name-calls.ts';
import { refuseStateful } from '../llm/responses/refuse-stateful.ts';
import { readRerankRequest } from '../llm/rerank.ts';
import {
  estimateInputTokens,
  translateEmbeddings,
  translateRerank,
  translateTokenCount,
} from '../llm/translate-others.ts';
import { answerRecord, translateChat } from '../llm/translate.ts';
import type { Warning } from '../llm/report.ts';
import { takesWholeCallsOnly } from '../llm/client-ways.ts';
import { wholeCallStream } from '../llm/openai/whole-calls.ts';
import type { Sides, Translation } from '../llm/translate.ts';
import { warningText } from '../llm/warning-text.ts';
import type { Call } from './call.ts';
import { fetchMedia } from './fetch-media.ts';
import { faultRefusal, refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { ModelRoute } from './routes.ts';
import type { Target } from './targets.ts';

/** A request written for a provider of another dialect than the caller's. */
export interface TranslatedRequest {
  readonly body: Buffer;
  readonly translation: Translation;
}

/**
 * Reads the conversation of the caller and fetches the media that this target cannot fetch itself.
 * Null: the call is ready to be translated.
 */
export async function readForTranslation(call: Call, route: ModelRoute, target: Target): Promise<Refusal | null> {
  if (!isOfChat(route)) return null;
  const chat = soundConversationOf(call, route, target);
  if ('code' in chat) return chat;
  if (target.dialect.takesUrls) return null;
  const fetched = await fetchMedia(call, chat);
  if ('code' in fetched) return fetched;
  call.chat = fetched;
  return null;
}

/**
 * Refuses what the model is known not to do, and media that are none, of a request whose bytes would pass as they are. Only
 * what is understood is judged: the rest is between the caller and the provider.
 */
export function refuseUnfit(call: Call, route: ModelRoute, target: Target): Refusal | null {
  let chat: ChatRequest;
  try {
    chat = conversationOf(call, route);
  } catch (error) {
    if (error instanceof RequestFault) return null;
    throw error;
  }
  try {
    requireAbilities(chat, { name: fullName(target), traits: target.traits }, route.dialect.name, true);
    checkMediaBytes(chat);
    return null;
  } catch (error) {
    return faultOf(error, call);
  }
}

/** The conversation, if nothing in it is what the target would refuse. */
function soundConversationOf(call: Call, route: ModelRoute, { dialect }: Target): ChatRequest | Refusal {
  try {
    const chat = conversationOf(call, route);
    checkRequest(chat, dialect.name);
    return chat;
  } catch (error) {
    return faultOf(error, call);
  }
}

/** Read once, however many targets are tried. Throws a RequestFault. */
function conversationOf(call: Call, route: ModelRoute): ChatRequest {
  call.chat ??= nameCallsOf(CLIENT_CODECS[route.dialect.name].readChat(bodyOf(call), factsOf(call)));
  return call.chat;
}

/** Writes the caller's request for the target, or says why it cannot be: nothing was sent then. */
export function translateRequest(call: Call, route: ModelRoute, target: Target): TranslatedRequest | Refusal {
  try {
    const translation = translate(call, route, target);
    if (translation === null) return untranslatable(route, target);
    const { warnings } = translation;
    if (warnings.length > 0 && call.config.settings.translation === 'refuse') return lossy(warnings, target);
    const body = target.dialect.adaptBody?.(translation.body) ?? translation.body;
    return { body: Buffer.from(JSON.stringify(body)), translation };
  } catch (error) {
    return faultOf(error, call);
  }
}

/** Null: one of the two dialects has no such operation. */
function translate(call: Call, route: ModelRoute, target: Target): Translation | null {
  const client = CLIENT_CODECS[route.dialect.name];
  const provider = codecOf(target);
  const model = { name: target.model ?? '', traits: target.traits };
  switch (route.operation) {
    case 'chat':
      return call.chat === null ? null : translateConversation(call, call.chat, route.dialect.name, target);
    case 'count_tokens': {
      const { writeTokenCount } = client;
      if (call.chat === null || writeTokenCount === undefined || provider.tokenCount === undefined) return null;
      return translateTokenCount(call.chat, writeTokenCount, provider.tokenCount, model);
    }
    case 'embeddings':
    case 'batch_embeddings': {
      const form = route.operation === 'embeddings' ? client.embeddings : client.batchEmbeddings;
      if (form === undefined || provider.embeddings === undefined) return null;
      if (provider.embeddings.serves?.(model.name) === false) return null;
      const request = form.read(bodyOf(call), factsOf(call));
      return translateEmbeddings(request, form, provider.embeddings, model, contextOf(call));
    }
    case 'rerank':
      return provider.rerank === undefined
        ? null
        : translateRerank(readRerankRequest(bodyOf(call)), provider.rerank, model);
    default:
      return null;
  }
}

function translateConversation(
  call: Call,
  request: ChatRequest,
  client: ClientDialectName,
  target: Target,
): Translation {
  const model = { name: target.model ?? '', traits: target.traits };
  if (target.dialect.name !== client) refuseStateful(request);
  requireAbilities(request, { ...model, name: fullName(target) }, client);
  return translateChat(request, {
    client: CLIENT_CODECS[client],
    provider: codecOf(target),
    target: model,
    context: { ...contextOf(call), request, inputTokensEstimate: estimateInputTokens(call.body ?? EMPTY) },
    ...streamForm(call, client),
  });
}

const codecs = new WeakMap<EndpointSnapshot, ProviderCodec>();

/** One for each endpoint under one configuration. */
function codecOf({ dialect, endpoint: { snapshot } }: Target): ProviderCodec {
  let codec = codecs.get(snapshot);
  if (codec === undefined) {
    codec = providerCodec(dialect.name, snapshot);
    codecs.set(snapshot, codec);
  }
  return codec;
}

function isOfChat({ operation }: ModelRoute): boolean {
  return operation === 'chat' || operation === 'count_tokens';
}

/** Counts what a stream of the target's says. */
export function readOutput(target: Target, estimate: OutputEstimate): StreamReader {
  return codecOf(target).readStream((event) => estimate.take(event));
}

/** The same of a whole answer. Throws an AnswerFault where it is none. */
export function estimatedOutputTokens(target: Target, body: Buffer): number {
  return estimateOutputTokens(codecOf(target).readChat(answerRecord(body)));
}

/**
 * Whether nobody but us can say how many tokens the caller's words have: the provider has no such
 * question.
 */
export function mustEstimateTokens(route: ModelRoute, target: Target): boolean {
  if (route.operation !== 'count_tokens' || target.native !== null) return false;
  const { tokenCount } = codecOf(target);
  return tokenCount === undefined || tokenCount.serves?.(target.model ?? '') === false;
}

/** An estimate of the input tokens, marked as one, in the caller's dialect; only of what could be sent. */
export function estimatedTokenCount(call: Call, route: ModelRoute, target: Target): string | Refusal | null {
  const { writeTokenCount } = CLIENT_CODECS[route.dialect.name];
  if (writeTokenCount === undefined) return null;
  const chat = soundConversationOf(call, route, target);
  if ('code' in chat) return chat;
  call.warnings = [{ kind: 'approximated', field: 'input_tokens', reason: 'estimated: the provider counts none' }];
  return JSON.stringify(writeTokenCount(estimateInputTokens(call.body ?? EMPTY)));
}

const EMPTY = new Uint8Array(0);

function factsOf(call: Call): RequestFacts {
  return { model: call.requestedModel, stream: call.stream };
}

function contextOf(call: Call): Omit<AnswerContext, 'request'> {
  return {
    requestId: call.requestId,
    model: call.requestedModel ?? '',
    nowS: Math.floor(call.startedAtMs / 1000),
  };
}

/** As a caller may name it: `provider/model`. */
function fullName({ provider, model }: Target): string {
  return `${provider.snapshot.id}/${model ?? ''}`;
}

function lossy(warnings: readonly Warning[], target: Target): Refusal {
  return refusal('invalid_body', {
    message: `The model "${fullName(target)}" cannot be asked so without loss: ${warningText(warnings)}. Leave that out, or choose another model.`,
  });
}

function bodyOf(call: Call): JsonRecord {
  return recordOf(parsedOrUndefined(call.body?.toString() ?? ''));
}

function faultOf(error: unknown, { requestedModel }: Call): Refusal {
  if (!(error instanceof RequestFault)) throw error;
  return faultRefusal(error, requestedModel);
}

/** How the caller's stream is written where that is not the dialect's usual way. */
function streamForm(call: Call, client: ClientDialectName): Pick<Sides, 'streamChat' | 'isArrayStream'> {
  if (isArrayStream(call, client)) return { streamChat: geminiArrayStream, isArrayStream: true };
  return takesWholeCallsOnly(call.dialect, call.head?.userAgent ?? null) ? { streamChat: wholeCallStream } : {};
}

/** Google streams an array of JSON unless events are asked for. */
function isArrayStream(call: Call, client: ClientDialectName): boolean {
  return client === 'gemini' && call.stream && !/(?:^|&)alt=sse(?:&|$)/.test(call.head?.query ?? '');
}

function untranslatable(route: ModelRoute, target: Target): Refusal {
  return refusal('dialect_unsupported', {
    message: `The model "${fullName(target)}" has no ${route.operation.replaceAll('_', ' ')} that this API could be translated to. Call a chat API, or another model.`,
  });
}
