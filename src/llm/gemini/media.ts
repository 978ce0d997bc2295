/** `inlineData` and `fileData`. */
import type { MediaPart, MediaSource } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { otherMembers } from '../record.ts';
import type { Place } from '../request-members.ts';
import { extraMember, textMember } from '../request-members.ts';
import { filledText } from './members.ts';

const BLOB = new Set(['mimeType', 'data', 'displayName']);
const FILE = new Set(['mimeType', 'fileUri', 'displayName']);

/** The part for an `inlineData`, or a fault. */
export function readInlineData(blob: Place): MediaPart {
  const mediaType = filledText(blob, 'mimeType');
  const data = standardBase64(textMember(blob, 'data') ?? '');
  return media({ kind: 'base64', data }, mediaType, textMember(blob, 'displayName'), otherMembers(blob.value, BLOB));
}

/** The part for a `fileData`, or a fault. */
export function readFileData(file: Place): MediaPart {
  const uri = filledText(file, 'fileUri');
  const mediaType = textMember(file, 'mimeType');
  return media(fileSource(uri), mediaType, textMember(file, 'displayName'), otherMembers(file.value, FILE));
}

function media(source: MediaSource, mediaType: string | null, filename: string | null, extra: JsonRecord): MediaPart {
  return {
    kind: kindOf(mediaType, source),
    source,
    mediaType,
    ...(filename === null ? {} : { filename }),
    ...extraMember(extra),
  };
}

const FILE_OF_GOOGLE = /^(gs:\/\/|files\/|https:\/\/[\w.-]+\.googleapis\.com\/(v\w+\/)?files\/)/;
const YOUTUBE = /^https?:\/\/(www\.|m\.)?(youtube\.com|youtu\.be)\//;

/** What lies at Google is known to Google only; other addresses are anybody's. */
function fileSource(uri: string): MediaSource {
  if (FILE_OF_GOOGLE.test(uri) || !/^https?:\/\//.test(uri)) return { kind: 'id', id: uri, of: 'gemini' };
  return { kind: 'url', url: uri };
}

function kindOf(mediaType: string | null, source: MediaSource): MediaPart['kind'] {
  const top = mediaType?.slice(0, mediaType.indexOf('/'));
  if (top === 'image' || top === 'audio' || top === 'video') return top;
  return mediaType === null && source.kind === 'url' && YOUTUBE.test(source.url) ? 'video' : 'file';
}

/** Some clients (Python's) write the alphabet for URLs, without padding. */
function standardBase64(data: string): string {
  const standard = /[-_\s]/.test(data) ? data.replaceAll('-', '+').replaceAll('_', '/').replaceAll(/\s/g, '') : data;
  return standard.length % 4 === 0 ? standard : standard.padEnd(Math.ceil(standard.length / 4) * 4, '=');
}

/** The members `inlineData` or `fileData` of a part. `named`: whether the file's name may go along. */
export function writeMedia(part: MediaPart, field: string, named: boolean): JsonRecord {
  const name = named && part.filename !== undefined ? { displayName: part.filename } : {};
  const { source } = part;
  switch (source.kind) {
    case 'base64':
      return { inlineData: { mimeType: mediaTypeOf(part, source.data, field), data: source.data, ...name } };
    case 'text':
      return { inlineData: { mimeType: 'text/plain', data: Buffer.from(source.text).toString('base64'), ...name } };
    case 'url':
      return { fileData: { ...mimeType(part.mediaType ?? typeOfName(source.url)), fileUri: source.url, ...name } };
    case 'id':
      if (source.of === 'gemini') return { fileData: { ...mimeType(part.mediaType), fileUri: source.id, ...name } };
      throw new RequestFault(
        field,
        `"${field}" names a file that lies at another provider: send its content, or use a model of that provider.`,
      );
  }
}

function mimeType(mediaType: string | null): JsonRecord {
  return mediaType === null ? {} : { mimeType: mediaType };
}

/** First characters of base64 that tell a format. */
const MAGIC: readonly (readonly [string, string])[] = [
  ['iVBORw0K', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['JVBERi', 'application/pdf'],
];

function mediaTypeOf(part: MediaPart, data: string, field: string): string {
  const found = part.mediaType ?? MAGIC.find(([magic]) => data.startsWith(magic))?.[1];
  if (found !== undefined) return found;
  throw new RequestFault(field, `The media type of "${field}" is not known: tell it, for example "image/png".`);
}

const ENDINGS: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['heic', 'image/heic'],
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['mp3', 'audio/mp3'],
  ['wav', 'audio/wav'],
  ['mp4', 'video/mp4'],
]);

function typeOfName(url: string): string | null {
  const [, ending] = /\.([A-Za-z0-9]{2,5})(?:[?#]|$)/.exec(url) ?? [];
  return ending === undefined ? null : (ENDINGS.get(ending.toLowerCase()) ?? null);
}
