/** Media as this dialect writes them: data URLs, and a word for the format of sound. */
import type { MediaSource } from '../canonical.ts';
import { RequestFault } from '../faults.ts';

/** What a URL member holds: a data URL (RFC 2397) is taken apart. */
export function readUrl(
  url: string,
  path: string,
): { readonly source: MediaSource; readonly mediaType: string | null } {
  if (!url.slice(0, 5).toLowerCase().startsWith('data:')) return { source: { kind: 'url', url }, mediaType: null };
  const comma = url.indexOf(',');
  if (comma < 0)
    throw new RequestFault(path, `"${path}" is a data URL without a comma: write data:image/png;base64,….`);
  const head = url.slice(5, comma);
  const isBase64 = head.toLowerCase().endsWith(';base64');
  const mediaType = (isBase64 ? head.slice(0, -7) : head) || null;
  const data = isBase64 ? url.slice(comma + 1) : percentDecoded(url.slice(comma + 1), path);
  return { source: { kind: 'base64', data: withoutBreaks(data) }, mediaType };
}

export function dataUrl(data: string, mediaType: string | null, otherwise: string): string {
  return `data:${mediaType ?? otherwise};base64,${data}`;
}

function withoutBreaks(data: string): string {
  return /\s/.test(data) ? data.replaceAll(/\s+/g, '') : data;
}

function percentDecoded(text: string, path: string): string {
  try {
    return Buffer.from(decodeURIComponent(text), 'utf8').toString('base64');
  } catch {
    throw new RequestFault(path, `"${path}" is a data URL that cannot be decoded: send it in base64.`);
  }
}

/** `wav` and `mp3` are OpenAI's two; other vendors take more. */
export function audioMediaType(format: string): string {
  return format === 'mp3' ? 'audio/mpeg' : `audio/${format}`;
}

export function audioFormat(mediaType: string | null): string {
  const subtype = (mediaType ?? 'audio/wav')
    .toLowerCase()
    .replace(/^audio\/(x-)?/, '')
    .replace(/;.*$/s, '');
  if (subtype === 'mpeg') return 'mp3';
  return subtype === 'wave' ? 'wav' : subtype;
}
