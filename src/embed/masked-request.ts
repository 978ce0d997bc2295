import type { Call } from '../gateway/call.ts';
import type { RequestHead } from '../gateway/request-head.ts';
import type { UpstreamRequest } from '../gateway/upstream.ts';
import { keptQuery } from '../llm/kept-query.ts';
import type { LiveReal } from './bindings.ts';

/**
 * What never goes on, in either direction: the connection's own business (RFC 9110 §7.6.1) and the
 * framing, which each side has of its own.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set(
  (
    'connection keep-alive proxy-connection proxy-authenticate proxy-authorization proxy-authentication-info te ' +
    'trailer transfer-encoding upgrade content-length'
  ).split(' '),
);

/** What the caller tells this program and nobody else: credentials, where it came from, what it keeps for us. */
const CALLERS_OWN: ReadonlySet<string> = new Set(
  (
    'host expect accept-encoding authorization x-api-key api-key x-goog-api-key cookie forwarded via x-real-ip ' +
    'x-client-ip cf-connecting-ip true-client-ip'
  ).split(' '),
);

/** What is ours to say, or the provider's to say to its own customer only. */
const PROVIDERS_OWN: ReadonlySet<string> = new Set(
  'date set-cookie x-request-id alt-svc strict-transport-security content-type cache-control'.split(' '),
);

/** Speaks of the account that the real key belongs to. */
const ABOUT_THE_ACCOUNT = /ratelimit|organization|^x-keyward-/;

/**
 * The request with the real key in place of the masked one. Of an unknown provider nobody can list
 * the headers that it needs, so here all but the named ones go on, and none that holds the key.
 */
export function maskedRequest(call: Call, head: RequestHead, real: LiveReal, key: string): UpstreamRequest {
  const { row, secret, pathPrefix } = real;
  const headers = [row.header, row.prefix + secret];
  const received = call.inbound.headers;
  const named = connectionNames(received);
  for (let i = 0; i + 1 < received.length; i += 2) {
    const name = received[i] ?? '';
    const value = received[i + 1] ?? '';
    if (name === row.header || named.has(name) || !mayGoUp(name) || value.includes(key)) continue;
    headers.push(name, value);
  }
  const body = call.body ?? null;
  return {
    method: call.inbound.method,
    path: pathPrefix + head.path + keptQuery(head.query),
    headers,
    body: body === null || body.length === 0 ? null : body,
  };
}

/** The names of an answer's headers that go on to the caller. */
export function answerHeaderNames(headers: readonly string[]): readonly string[] {
  const named = connectionNames(headers);
  const names: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (HOP_BY_HOP.has(name) || PROVIDERS_OWN.has(name) || named.has(name) || ABOUT_THE_ACCOUNT.test(name)) continue;
    names.push(name);
  }
  return names;
}

function mayGoUp(name: string): boolean {
  return (
    !HOP_BY_HOP.has(name) &&
    !CALLERS_OWN.has(name) &&
    !name.startsWith('x-forwarded-') &&
    !name.startsWith('x-keyward-')
  );
}

/** What the Connection header names is of this connection only. */
function connectionNames(headers: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== 'connection') continue;
    for (const name of (headers[i + 1] ?? '').split(',')) names.add(name.trim().toLowerCase());
  }
  return names;
}
