import type { CredentialSnapshot } from '../config/snapshot.ts';
import { keptQuery } from '../llm/kept-query.ts';
import type { Translation } from '../llm/translate.ts';
import type { Call } from './call.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { ModelRoute, PassthroughRoute } from './routes.ts';
import { signsWith } from './sign-upstream.ts';
import type { Target } from './targets.ts';
import { translation } from './translation.ts';
import type { UpstreamRequest } from './upstream.ts';

/** A request as it goes to the provider. */
export interface PreparedRequest {
  readonly request: UpstreamRequest;
  /** Whether we asked for a usage event that the caller did not ask for. */
  readonly hideUsage: boolean;
  /** How the answer is read where the provider speaks another dialect than the caller; null: its bytes pass. */
  readonly translation: Translation | null;
  /** What it is sent with. */
  readonly credential: CredentialSnapshot;
}

/**
 * Where both sides speak one dialect the body's bytes go through, only the model's name and the
 * usage option are spliced; else it is translated.
 */
export function prepareModelCall(
  call: Call,
  route: ModelRoute,
  target: Target,
  credential: CredentialSnapshot,
): PreparedRequest | Refusal {
  const { reading } = call;
  const model = target.model;
  if (reading === null || model === null) return refusal('model_missing');
  if (target.native === null) return prepareTranslation(call, route, target, credential);
  const { snapshot } = target.endpoint;
  const path = target.native.upstreamPath(route.operation, model, call.stream, call.head?.query ?? '');
  if (path === null) return refusal('path_not_found');
  const prepared = target.native.writeRequest(reading, model, snapshot.asksUsage);
  const headers = upstreamHeaders(call, target, credential, target.native.requestHeaders);
  return {
    request: { method: 'POST', path: snapshot.pathPrefix + path, headers, body: prepared.body },
    hideUsage: prepared.hideUsage,
    translation: null,
    credential,
  };
}

/** The caller's query and headers speak their dialect, not another one's: they stay here. */
function prepareTranslation(
  call: Call,
  route: ModelRoute,
  target: Target,
  credential: CredentialSnapshot,
): PreparedRequest | Refusal {
  const translated = translation().translateRequest(call, route, target);
  if ('code' in translated) return translated;
  const { body } = translated;
  const query = call.stream ? (target.dialect.streamQuery ?? '') : '';
  const path = target.dialect.upstreamPath(translated.translation.operation, target.model ?? '', call.stream, query);
  if (path === null) return refusal('path_not_found');
  return {
    request: {
      method: 'POST',
      path: target.endpoint.snapshot.pathPrefix + path,
      headers: [...upstreamHeaders(call, target, credential, NONE), ...(target.dialect.callHeaders ?? NONE)],
      body,
    },
    hideUsage: false,
    translation: translated.translation,
    credential,
  };
}

const NONE: readonly string[] = [];

/** A provider's own API: method, path, query and body go through as they are, the key does not. */
export function preparePassthrough(
  call: Call,
  route: PassthroughRoute,
  target: Target,
  credential: CredentialSnapshot,
): PreparedRequest {
  const body = call.body ?? null;
  return {
    request: {
      method: call.inbound.method,
      path: target.endpoint.snapshot.pathPrefix + route.rest + keptQuery(call.head?.query ?? ''),
      headers: upstreamHeaders(call, target, credential, target.dialect.requestHeaders),
      body: body === null || body.length === 0 ? null : body,
    },
    hideUsage: false,
    translation: null,
    credential,
  };
}

export const NO_CREDENTIAL: CredentialSnapshot = { id: '', secret: '', weight: 1, priority: 1, models: null };

/**
 * Headers for upstream, by allow-list: nothing of the caller's travels unless the dialect names it,
 * so neither their key nor a header spelled to look like another one does.
 */
function upstreamHeaders(
  call: Call,
  target: Target,
  credential: CredentialSnapshot,
  allowed: readonly string[],
): string[] {
  const endpoint = target.endpoint.snapshot;
  const headers: string[] = [];
  const isSent = endpoint.authHeader !== '' && !signsWith(endpoint.signing, credential.secret);
  if (isSent) headers.push(endpoint.authHeader, endpoint.authPrefix + credential.secret);
  const told = target.native === null && call.reading !== null ? null : (call.head?.contentType ?? null);
  const contentType = told ?? (call.reading === null ? null : 'application/json');
  if (contentType !== null) headers.push('content-type', contentType);
  headers.push('accept', accepted(call, target));
  const received = call.inbound.headers;
  for (let i = 0; i + 1 < received.length; i += 2) {
    const name = received[i] ?? '';
    if (allowed.includes(name)) headers.push(name, received[i + 1] ?? '');
  }
  const fixed = endpoint.headers;
  for (let i = 0; i + 1 < fixed.length; i += 2) {
    const name = fixed[i] ?? '';
    if (!headers.includes(name)) headers.push(name, fixed[i + 1] ?? '');
  }
  return headers;
}

function accepted(call: Call, { dialect, native }: Target): string {
  if (call.stream && dialect.answersWhole !== true) return `${dialect.streamType}, application/json`;
  // What is translated is JSON, and InvokeModel knows one type only (API_runtime_InvokeModel).
  return native === null && call.reading !== null ? 'application/json' : 'application/json, */*';
}
