import type { CredentialSnapshot, EndpointSnapshot } from '../config/snapshot.ts';
import { keptQuery } from '../llm/kept-query.ts';
import type { Call } from './call.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { ModelRoute, PassthroughRoute } from './routes.ts';
import { nextCredential } from './targets.ts';
import type { Target } from './targets.ts';
import type { UpstreamRequest } from './upstream.ts';

/** A request as it goes to the provider. */
export interface PreparedRequest {
  readonly request: UpstreamRequest;
  /** Whether we asked for a usage event that the caller did not ask for. */
  readonly hideUsage: boolean;
}

/** The same dialect on both sides: the body's bytes go through, only the model's name and the usage option are spliced. */
export function prepareModelCall(call: Call, route: ModelRoute, target: Target): PreparedRequest | Refusal {
  const { reading } = call;
  const model = target.model;
  if (reading === null || model === null) return refusal('model_missing');
  const path = route.dialect.upstreamPath(route.operation, model, call.stream, call.head?.query ?? '');
  const credential = credentialFor(call, target);
  if (credential === null) return refusal('no_credential');
  if (path === null) return refusal('path_not_found');
  const prepared = route.dialect.writeRequest(reading, model, target.endpoint.snapshot.asksUsage);
  return {
    request: {
      method: 'POST',
      path: target.endpoint.snapshot.pathPrefix + path,
      headers: upstreamHeaders(call, target.endpoint.snapshot, credential, route.dialect.requestHeaders),
      body: prepared.body,
    },
    hideUsage: prepared.hideUsage,
  };
}

/** A provider's own API: method, path, query and body go through as they are, the key does not. */
export function preparePassthrough(call: Call, route: PassthroughRoute, target: Target): PreparedRequest | Refusal {
  const credential = credentialFor(call, target);
  if (credential === null) return refusal('no_credential');
  const body = call.body ?? null;
  return {
    request: {
      method: call.inbound.method,
      path: target.endpoint.snapshot.pathPrefix + route.rest + keptQuery(call.head?.query ?? ''),
      headers: upstreamHeaders(call, target.endpoint.snapshot, credential, target.dialect.requestHeaders),
      body: body === null || body.length === 0 ? null : body,
    },
    hideUsage: false,
  };
}

function credentialFor(call: Call, target: Target): CredentialSnapshot | null {
  const { endpoint, provider } = target;
  const credential = nextCredential(provider);
  // Endpoints without a credential header ask for none: the sandbox, a model server on this machine.
  if (credential === null) return endpoint.snapshot.authHeader === '' ? NO_CREDENTIAL : null;
  call.credentialId = credential.id;
  return credential;
}

const NO_CREDENTIAL: CredentialSnapshot = { id: '', secret: '', weight: 1 };

/**
 * Headers for upstream, by allow-list: nothing of the caller's travels unless the dialect names it,
 * so neither their key nor a header spelled to look like another one does.
 */
function upstreamHeaders(
  call: Call,
  endpoint: EndpointSnapshot,
  credential: CredentialSnapshot,
  allowed: readonly string[],
): string[] {
  const headers: string[] = [];
  if (endpoint.authHeader !== '') headers.push(endpoint.authHeader, endpoint.authPrefix + credential.secret);
  const contentType = call.head?.contentType ?? (call.reading === null ? null : 'application/json');
  if (contentType !== null) headers.push('content-type', contentType);
  headers.push('accept', call.stream ? 'text/event-stream, application/json' : 'application/json, */*');
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
