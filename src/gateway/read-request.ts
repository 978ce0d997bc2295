import { isFormType } from '../lib/form-data.ts';
import { FORM_OPERATIONS, OPERATION_CLASSES } from '../llm/dialect.ts';
import type { RequestReading } from '../llm/dialect.ts';
import type { Call } from './call.ts';
import { matchModelPath } from './routes.ts';
import type { ModelRoute, PassthroughRoute } from './routes.ts';
import { faultRefusal, refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { RequestHead } from './request-head.ts';

/** Reads what a model call asks for: which model, whether as a stream. */
export function readModelRequest(call: Call, head: RequestHead, route: ModelRoute): Refusal | null {
  const unfit = readRequest(call, head, route);
  if (unfit !== null || call.requestedModel !== null) return unfit;
  // Vendors may choose a model where none is named; here the name says which vendor.
  call.reading = null;
  return refusal('model_missing');
}

function readRequest(call: Call, head: RequestHead, route: ModelRoute): Refusal | null {
  call.operation = OPERATION_CLASSES[route.operation];
  const wrong = bodyTypeFault(head, route);
  if (wrong !== null) return wrong;
  const read = route.dialect.readRequest(call.body ?? EMPTY, route.operation, head.contentType);
  if (!read.ok) {
    const { code, field, message, model = null } = read;
    return field === undefined ? refusal(code, { message }) : faultRefusal({ field, message }, route.model ?? model);
  }
  call.reading = read.reading;
  call.requestedModel = route.model ?? read.reading.model;
  call.stream = route.stream || read.reading.stream;
  return null;
}

/**
 * Reads a passthrough request: where its path is one that a dialect of the provider has, it is
 * metered and scoped as a model call; anything else asks for the whole provider (`provider/*`).
 */
export function readPassthroughRequest(call: Call, head: RequestHead, route: PassthroughRoute): Refusal | null {
  // Before the provider is looked up: a key that is not for it does not learn whether it is there.
  call.requestedModel = `${route.providerId}/*`;
  call.operation = 'passthrough';
  call.direct = true;
  const provider = call.workspace?.providers.get(route.providerId);
  if (provider === undefined) return refusal('provider_not_found');
  for (const endpoint of provider.endpoints.values()) {
    // The base URLs of the OpenAI dialects end in /v1, those of the others do not.
    const known = matchModelPath(route.rest) ?? matchModelPath(`/v1${route.rest}`);
    if (known === null || known.dialect !== endpoint.dialect) continue;
    call.dialect = known.dialect;
    if (call.inbound.method !== 'POST') return null;
    const refused = readRequest(call, head, known);
    if (refused !== null) return refused;
    call.requestedModel = `${route.providerId}/${call.requestedModel ?? '*'}`;
    return known.model !== null && namesAnother(call.reading, known.model) ? ANOTHER_MODEL : null;
  }
  return null;
}

const ANOTHER_MODEL = refusal('invalid_body', {
  message: 'The body names another model than the path. Name the same one, or leave it out of the body.',
});

/**
 * Where the path names the model, the body may repeat it, also as a resource. It goes on as it is, so
 * the scope that was checked must hold for it: any other spelling counts as another model.
 */
function namesAnother(reading: RequestReading | null, model: string): boolean {
  const same = [JSON.stringify(model), JSON.stringify(`models/${model}`)];
  return reading?.modelSpans.some(({ from, to }) => !same.includes(reading.body.toString('utf8', from, to))) === true;
}

const EMPTY = Buffer.alloc(0);

function bodyTypeFault(head: RequestHead, { operation }: ModelRoute): Refusal | null {
  if (head.contentEncoding !== null && head.contentEncoding !== 'identity') {
    return refusal('unsupported_media_type', {
      message: 'Compressed bodies are not accepted. Send the body as it is.',
    });
  }
  const type = head.contentType;
  // Without a content type the body is taken for what it must be; a wrong one is a mistake to tell.
  if (type === null || type === 'application/json' || JSON_TYPE.test(type)) return null;
  if (!FORM_OPERATIONS.has(operation)) return refusal('unsupported_media_type');
  return isFormType(type) ? null : FORM_WANTED;
}

const FORM_WANTED = refusal('unsupported_media_type', {
  message: 'The body must be a form or JSON: send "Content-Type: multipart/form-data" with its boundary.',
});

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
