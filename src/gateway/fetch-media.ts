/**
 * Images and documents that the caller names by URL, for providers that take bytes only. Nothing is
 * fetched for others: they fetch themselves, from where they stand.
 */
import type { ChatRequest, Part, Turn } from '../llm/canonical.ts';
import { sniffMediaType } from '../llm/media-type.ts';
import { isMedia, mediaOf } from '../llm/turn-path.ts';
import { guardedGet } from '../lib/guarded-get.ts';
import type { Call } from './call.ts';
import { faultRefusal, refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

const URLS_MAX = 20;
const TIMEOUT_MS = 15_000;

/** The request with its URLs replaced by what they hold, or why that cannot be. */
export async function fetchMedia(call: Call, request: ChatRequest): Promise<ChatRequest | Refusal> {
  const links = linksOf(request);
  const [first] = links;
  if (first === undefined) return request;
  const unfit = ({ field }: Link, message: string): Refusal => faultRefusal({ field, message }, call.requestedModel);
  const { fetchMedia: from } = call.config.settings;
  if (from === 'off') return unfit(first, 'Media by URL are not fetched here. Send the bytes in base64.');
  const surplus = links[URLS_MAX];
  if (surplus !== undefined)
    return unfit(surplus, `At most ${URLS_MAX} media by URL are fetched. Send the others in base64.`);
  const leaving = new AbortController();
  call.inbound.onGone = () => leaving.abort();
  try {
    const fetched = new Map<string, Fetched>();
    let bytesLeft = call.config.settings.mediaBytesMax;
    for (const link of links) {
      const one = await fetchOne(link, from === 'any', bytesLeft, leaving.signal);
      if (call.inbound.gone) return refusal('client_closed');
      if (typeof one === 'string') return unfit(link, one);
      bytesLeft -= one.bytes;
      fetched.set(link.url, one);
    }
    return { ...request, turns: request.turns.map((turn) => withMedia(turn, fetched)) };
  } finally {
    call.inbound.onGone = null;
  }
}

/** A URL that is to be fetched, once however often it stands there. */
interface Link {
  readonly url: string;
  /** Where it stands first. */
  readonly field: string;
  readonly isImage: boolean;
}

/** Names of other kinds (`gs://`, `s3://`) are the provider's own. */
function linksOf(request: ChatRequest): readonly Link[] {
  const links = new Map<string, Link>();
  for (const { part, field } of mediaOf(request)) {
    if (part.source.kind !== 'url' || !/^https?:/i.test(part.source.url)) continue;
    const { url } = part.source;
    const isImage = part.kind === 'image' || links.get(url)?.isImage === true;
    links.set(url, { url, field: links.get(url)?.field ?? field, isImage });
  }
  return [...links.values()];
}

interface Fetched {
  readonly data: string;
  readonly mediaType: string;
  readonly bytes: number;
}

/** What the URL holds, or what is wrong with it, as a sentence. */
async function fetchOne(
  { url, isImage }: Link,
  allowPrivate: boolean,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Fetched | string> {
  const got = await guardedGet({ url, allowPrivate, bytesMax, timeoutMs: TIMEOUT_MS, signal });
  // The URL may hold somebody's token: it is not repeated.
  if (!got.ok) return `The URL of an image or document ${got.problem}. Correct it, or send the bytes in base64.`;
  const mediaType = sniffMediaType(got.bytes) ?? textType(got.contentType);
  if (mediaType === null) return 'The URL names neither an image nor a document. Name one, or leave it out.';
  if (isImage && !mediaType.startsWith('image/')) return 'The URL names no image. Name one, or leave it out.';
  return { data: got.bytes.toString('base64'), mediaType, bytes: got.bytes.length };
}

/** Text has no mark at its start: here the server is believed. */
function textType(contentType: string | null): string | null {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return type.startsWith('text/') && type !== 'text/html' ? type : null;
}

function withMedia<T extends Turn | Part>(holder: T, fetched: ReadonlyMap<string, Fetched>): T {
  if ('parts' in holder) return { ...holder, parts: holder.parts.map((part) => withMedia(part, fetched)) };
  if (!('kind' in holder) || !isMedia(holder) || holder.source.kind !== 'url') return holder;
  const found = fetched.get(holder.source.url);
  if (found === undefined) return holder;
  return { ...holder, source: { kind: 'base64', data: found.data }, mediaType: found.mediaType };
}
