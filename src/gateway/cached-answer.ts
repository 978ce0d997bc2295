/**
 * The exact-match cache of responses, which an operator switches on with `gateway.cacheBytesMax`. It
 * stands behind all checks of the key: who may not call, or not the model that answered, gets nothing
 * from it either.
 */
import { createHash } from 'node:crypto';
import { takesWholeCallsOnly } from '../llm/client-ways.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { headerValue } from './header-text.ts';
import { mayLeadTo } from './plan-route.ts';
import type { Refusal } from './refusal.ts';
import type { CachedResponse } from './response-cache.ts';
import type { Route } from './routes.ts';
import { answerTooLarge } from './size-limits.ts';

/** How a call uses the cache. */
export interface CacheUse {
  readonly key: string;
  /** What went to the caller so far; null once it is more than can be kept. */
  chunks: Buffer[] | null;
  bytes: number;
}

const CACHED_OPERATIONS = new Set(['chat', 'completions', 'embeddings', 'batch_embeddings', 'rerank']);

/** Answers from the cache; `not-kept` where the call has to be made, which is then remembered if it may be. */
export function answerFromCache(gateway: Gateway, call: Call, route: Route): Refusal | null | 'not-kept' {
  const { cacheBytesMax, cacheTtlMs } = call.config.settings;
  if (cacheBytesMax === 0 || route.kind !== 'model' || !CACHED_OPERATIONS.has(route.operation)) return 'not-kept';
  // RFC 9111 §5.2.1: no-store keeps nothing, no-cache asks anew.
  const wish = headerValue(call.inbound.headers, 'cache-control') ?? '';
  if (wish.includes('no-store')) return 'not-kept';
  const key = keyOf(call, route.operation);
  const found = wish.includes('no-cache') ? null : gateway.responses.get(key, cacheTtlMs);
  // Keys of one application differ in what they may call, and calls in what an alias has for them.
  if (found === null || !mayLeadTo(gateway, call, route, found.model)) {
    call.cache = { key, chunks: [], bytes: 0 };
    return 'not-kept';
  }
  if (found.body.length > call.responseBytesMax) return answerTooLarge(call);
  answer(gateway, call, found);
  return null;
}

/** Remembers a piece of what goes to the caller. */
export function keepForCache(call: Call, bytes: Uint8Array): void {
  const { cache } = call;
  if (cache === null || cache.chunks === null) return;
  cache.bytes += bytes.length;
  if (cache.bytes > call.config.settings.cacheBytesMax / 8) cache.chunks = null;
  // A copy: the bytes may be a part of a larger buffer, which would be kept as well.
  else cache.chunks.push(Buffer.from(bytes));
}

/** The answer is whole: the next caller with the same words gets it. */
export function storeInCache(gateway: Gateway, call: Call, contentType: string): void {
  const { cache, target } = call;
  if (cache === null || cache.chunks === null || !call.complete || call.status !== 200) return;
  if (target === null || target.model === null) return;
  const response: CachedResponse = {
    contentType,
    model: `${target.provider.snapshot.id}/${target.model}`,
    headers: target.answerHeaders,
    body: Buffer.concat(cache.chunks),
    storedAtMs: gateway.clock.now(),
  };
  gateway.responses.set(cache.key, response, call.config.settings.cacheBytesMax);
}

/** All that an answer depends on. Applications do not share answers: what one asked is no business of another. */
function keyOf(call: Call, operation: string): string {
  const record = call.key?.prepared.record;
  const parts = [
    record?.workspaceId,
    record?.applicationId,
    call.config.version,
    call.dialect.name,
    operation,
    call.stream,
    call.stream && takesWholeCallsOnly(call.dialect, call.head?.userAgent ?? null),
    call.requestedModel,
    call.head?.query,
    ...call.dialect.requestHeaders.map((name) => headerValue(call.inbound.headers, name)),
  ];
  return createHash('sha256')
    .update(JSON.stringify(parts))
    .update(call.body ?? '')
    .digest('base64');
}

function answer(gateway: Gateway, call: Call, found: CachedResponse): void {
  const ageS = Math.max(0, Math.floor((gateway.clock.now() - found.storedAtMs) / 1000));
  const headers = ['content-type', found.contentType, 'x-request-id', call.requestId, 'x-keyward-cache', 'hit'];
  headers.push('age', String(ageS), 'x-keyward-attempts', '0', 'x-keyward-cost-usd', '0');
  for (const text of found.headers) headers.push(text);
  for (const text of call.keyHeaders) headers.push(text);
  call.status = 200;
  call.firstByteAt = performance.now();
  call.responseBytes = found.body.length;
  call.complete = true;
  call.fromCache = true;
  call.inbound.respond(200, headers, found.body);
}
