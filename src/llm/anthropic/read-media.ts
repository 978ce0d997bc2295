/** Images and documents that a client sends. */
import type { MediaPart, MediaSource } from '../canonical.ts';
import { isRecord, otherMembers } from '../record.ts';
import type { Place } from '../request-members.ts';
import { expected, extraMember, pathOf, requiredRecord, requiredText, textMember } from '../request-members.ts';

const IMAGE = new Set(['type', 'source', 'cache_control']);
const DOCUMENT = new Set(['type', 'source', 'cache_control', 'title']);

/** An `image` block. */
export function readImage(place: Place): MediaPart {
  const source = requiredRecord(place, 'source');
  return { kind: 'image', ...readSource(source), ...extraMember(otherMembers(place.value, IMAGE)) };
}

/** A `document` block; null where its source is of a kind that only Anthropic has. */
export function readDocument(place: Place): MediaPart | null {
  const source = requiredRecord(place, 'source');
  if (source.value['type'] === 'content') return null;
  const filename = textMember(place, 'title');
  return {
    kind: 'file',
    ...readSource(source),
    ...(filename === null ? {} : { filename }),
    ...extraMember(otherMembers(place.value, DOCUMENT)),
  };
}

function readSource(place: Place): { readonly source: MediaSource; readonly mediaType: string | null } {
  switch (place.value['type']) {
    case 'base64':
      return {
        source: { kind: 'base64', data: requiredText(place, 'data') },
        mediaType: requiredText(place, 'media_type'),
      };
    case 'url':
      return { source: { kind: 'url', url: requiredText(place, 'url') }, mediaType: null };
    case 'file':
      return { source: { kind: 'id', id: requiredText(place, 'file_id'), of: 'anthropic' }, mediaType: null };
    case 'text':
      return { source: { kind: 'text', text: requiredText(place, 'data') }, mediaType: 'text/plain' };
    default:
      throw expected(pathOf(place, 'type'), 'base64, url, file or text');
  }
}

/** `cache_control`, as a member of the part that carries it. */
export function cacheOf({ value }: Place): { readonly cache?: { readonly ttl: '5m' | '1h' } } {
  const control = value['cache_control'];
  return isRecord(control) ? { cache: { ttl: control['ttl'] === '1h' ? '1h' : '5m' } } : {};
}
