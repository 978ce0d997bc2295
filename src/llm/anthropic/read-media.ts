/** Images and documents that a client sends. */
import type { MediaPart, MediaSource } from '../canonical.ts';
import { isRecord } from '../record.ts';
import type { Place } from './request-members.ts';
import { expected, otherMembers, pathOf, recordMember, required, textMember } from './request-members.ts';

const IMAGE = new Set(['type', 'source', 'cache_control']);
const DOCUMENT = new Set(['type', 'source', 'cache_control', 'title']);

/** An `image` block. */
export function readImage(place: Place): MediaPart {
  const source = sourceOf(place);
  const extra = otherMembers(place, IMAGE);
  return { kind: 'image', ...readSource(source), ...(extra === undefined ? {} : { extra }) };
}

/** A `document` block; null where its source is of a kind that only Anthropic has. */
export function readDocument(place: Place): MediaPart | null {
  const source = sourceOf(place);
  if (source.value['type'] === 'content') return null;
  const filename = textMember(place, 'title');
  const extra = otherMembers(place, DOCUMENT);
  return {
    kind: 'file',
    ...readSource(source),
    ...(filename === null ? {} : { filename }),
    ...(extra === undefined ? {} : { extra }),
  };
}

function sourceOf(place: Place): Place {
  return required(recordMember(place, 'source'), place, 'source', 'an object');
}

function readSource(place: Place): { readonly source: MediaSource; readonly mediaType: string | null } {
  const text = (name: string): string => required(textMember(place, name), place, name, 'a string');
  switch (place.value['type']) {
    case 'base64':
      return { source: { kind: 'base64', data: text('data') }, mediaType: text('media_type') };
    case 'url':
      return { source: { kind: 'url', url: text('url') }, mediaType: null };
    case 'file':
      return { source: { kind: 'id', id: text('file_id'), of: 'anthropic' }, mediaType: null };
    case 'text':
      return { source: { kind: 'text', text: text('data') }, mediaType: 'text/plain' };
    default:
      throw expected(pathOf(place, 'type'), 'base64, url, file or text');
  }
}

/** `cache_control`, as a member of the part that carries it. */
export function cacheOf({ value }: Place): { readonly cache?: { readonly ttl: '5m' | '1h' } } {
  const control = value['cache_control'];
  return isRecord(control) ? { cache: { ttl: control['ttl'] === '1h' ? '1h' : '5m' } } : {};
}
