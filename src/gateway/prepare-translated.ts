import { requireAbilities } from '../llm/abilities.ts';
import { CLIENT_CODECS } from '../llm/codecs.ts';
import type { ClientDialectName } from '../llm/dialect.ts';
import { RequestFault } from '../llm/faults.ts';
import { geminiArrayStream } from '../llm/gemini/write-stream.ts';
import { parsedOrUndefined, recordOf } from '../llm/record.ts';
import type { JsonRecord } from '../llm/record.ts';
import { translateChat } from '../llm/translate.ts';
import type { Translation } from '../llm/translate.ts';
import type { Call } from './call.ts';
import { fetchMedia } from './fetch-media.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { ModelRoute } from './routes.ts';
import type { Target } from './targets.ts';

/** A request written for a provider of another dialect than the caller's. */
export interface TranslatedRequest {
  readonly body: Buffer;
  readonly translation: Translation;
}

/**
 * Reads what the caller asks, once for all targets that are tried, and fetches the media that this
 * target cannot fetch itself. Null: the call is ready to be translated.
 */
export async function readForTranslation(call: Call, route: ModelRoute, target: Target): Promise<Refusal | null> {
  if (route.operation !== 'chat') return untranslatable(route, target);
  try {
    call.chat ??= CLIENT_CODECS[route.dialect.name].readChat(bodyOf(call), {
      model: call.requestedModel,
      stream: call.stream,
    });
  } catch (error) {
    return faultOf(error);
  }
  if (target.dialect.takesUrls) return null;
  const fetched = await fetchMedia(call, call.chat);
  if ('code' in fetched) return fetched;
  call.chat = fetched;
  return null;
}

/** Writes the caller's request for the target, or says why it cannot be: nothing was sent then. */
export function translateRequest(call: Call, route: ModelRoute, target: Target): TranslatedRequest | Refusal {
  const client = route.dialect.name;
  const request = call.chat;
  if (request === null) return untranslatable(route, target);
  try {
    const model = { name: target.model ?? '', traits: target.traits };
    requireAbilities(request, model, client);
    const translation = translateChat(request, {
      client: CLIENT_CODECS[client],
      provider: target.endpoint.codec,
      target: model,
      context: {
        requestId: call.requestId,
        model: call.requestedModel ?? request.model,
        nowS: Math.floor(call.startedAtMs / 1000),
        request,
      },
      ...(isArrayStream(call, client) && { streamChat: geminiArrayStream }),
    });
    const body = target.dialect.adaptBody?.(translation.body) ?? translation.body;
    return { body: Buffer.from(JSON.stringify(body)), translation };
  } catch (error) {
    return faultOf(error);
  }
}

function bodyOf(call: Call): JsonRecord {
  return recordOf(parsedOrUndefined(call.body?.toString() ?? ''));
}

function faultOf(error: unknown): Refusal {
  if (!(error instanceof RequestFault)) throw error;
  const { field, message } = error;
  return refusal('invalid_body', { message: message.includes(field) ? message : `"${field}": ${message}` });
}

/** Google streams an array of JSON unless events are asked for. */
function isArrayStream(call: Call, client: ClientDialectName): boolean {
  return client === 'gemini' && call.stream && !/(?:^|&)alt=sse(?:&|$)/.test(call.head?.query ?? '');
}

function untranslatable(route: ModelRoute, target: Target): Refusal {
  const name = `${target.provider.snapshot.id}/${target.model ?? ''}`;
  return refusal('dialect_unsupported', {
    message: `The model "${name}" has no ${route.operation.replaceAll('_', ' ')} that this API could be translated to. Call a chat API, or another model.`,
  });
}
