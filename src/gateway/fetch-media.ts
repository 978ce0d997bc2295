/**
 * Images and documents that the caller names by URL, for providers that take bytes only. Nothing is
 * fetched for others: they fetch themselves, from where they stand.
 */
import type { ChatRequest, MediaPart, Part, Turn } from '../llm/canonical.ts';
import { sniffMediaType } from '../llm/media-type.ts';
import { guardedGet } from '../lib/guarded-get.ts';
import type { Call } from './call.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

const URLS_MAX = 20;
const TIMEOUT_MS = 15_000;

/** The request with its URLs replaced by what they hold, or why that cannot be. */
export async function fetchMedia(call: Call, request: ChatRequest): Promise<ChatRequest | Refusal> {
  const urls = new Set(request.turns.flatMap(({ parts }) => parts.flatMap(urlsOf)));
  if (urls.size === 0) return request;
  const { fetchMedia: from } = call.config.settings;
  if (from === 'off') return unfit('media by URL are not fetched here. Send the bytes in base64');
  if (urls.size > URLS_MAX) return unfit(`at most ${URLS_MAX} media by URL are fetched. Send the others in base64`);
  const leaving = new AbortController();
  call.inbound.onGone = () => leaving.abort();
  try {
    const fetched = new Map<string, Fetched>();
    let bytesLeft = call.config.settings.mediaBytesMax;
    for (const url of urls) {
      const one = await fetchOne(url, from === 'any', bytesLeft, leaving.signal);
      if (call.inbound.gone) return refusal('client_closed');
      if ('code' in one) return one;
      bytesLeft -= one.bytes;
      fetched.set(url, one);
    }
    return { ...request, turns: request.turns.map((turn) => withMedia(turn, fetched)) };
  } finally {
    call.inbound.onGone = null;
  }
}

interface Fetched {
  readonly data: string;
  readonly mediaType: string;
  readonly bytes: number;
}

async function fetchOne(
  url: string,
  allowPrivate: boolean,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Fetched | Refusal> {
  const got = await guardedGet({ url, allowPrivate, bytesMax, timeoutMs: TIMEOUT_MS, signal });
  // The URL may hold somebody's token: it is not repeated.
  if (!got.ok) return unfit(`a URL of an image or document ${got.problem}. Correct it, or send the bytes in base64`);
  const mediaType = sniffMediaType(got.bytes) ?? textType(got.contentType);
  if (mediaType === null) return unfit('a URL names neither an image nor a document. Name one, or leave it out');
  return { data: got.bytes.toString('base64'), mediaType, bytes: got.bytes.length };
}

/** Text has no mark at its start: here the server is believed. */
function textType(contentType: string | null): string | null {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return type.startsWith('text/') && type !== 'text/html' ? type : null;
}

function urlsOf(part: Part): readonly string[] {
  if (part.kind === 'tool_result') return part.parts.flatMap(urlsOf);
  return isMedia(part) && part.source.kind === 'url' && isFetched(part.source.url) ? [part.source.url] : [];
}

/** Names of other kinds (`gs://`, `s3://`) are the provider's own. */
function isFetched(url: string): boolean {
  return /^https?:/i.test(url);
}

function withMedia<T extends Turn | Part>(holder: T, fetched: ReadonlyMap<string, Fetched>): T {
  if ('parts' in holder) return { ...holder, parts: holder.parts.map((part) => withMedia(part, fetched)) };
  if (!('kind' in holder) || !isMedia(holder) || holder.source.kind !== 'url') return holder;
  const found = fetched.get(holder.source.url);
  if (found === undefined) return holder;
  return { ...holder, source: { kind: 'base64', data: found.data }, mediaType: found.mediaType };
}

function isMedia(part: Part): part is MediaPart {
  return part.kind === 'image' || part.kind === 'file' || part.kind === 'audio' || part.kind === 'video';
}

function unfit(sentence: string): Refusal {
  return refusal('invalid_body', { message: `The body: ${sentence}.` });
}
