/** Media as blocks of a message: bytes, or what lies in S3; Bedrock fetches no URL. */
import type { MediaPart } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import type { DocumentNames } from './document-names.ts';

type Kind = MediaPart['kind'];

/** The format's name by media type; `jpg` and their like are what callers write although it is none. */
const FORMATS: Readonly<Record<Kind, ReadonlyMap<string, string>>> = {
  image: new Map([
    ['image/png', 'png'],
    ['image/jpeg', 'jpeg'],
    ['image/jpg', 'jpeg'],
    ['image/gif', 'gif'],
    ['image/webp', 'webp'],
  ]),
  file: new Map([
    ['application/pdf', 'pdf'],
    ['text/csv', 'csv'],
    ['text/html', 'html'],
    ['text/markdown', 'md'],
    ['text/plain', 'txt'],
    ['application/json', 'txt'],
    ['application/msword', 'doc'],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
    ['application/vnd.ms-excel', 'xls'],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ]),
  video: new Map([
    ['video/mp4', 'mp4'],
    ['video/quicktime', 'mov'],
    ['video/mov', 'mov'],
    ['video/x-matroska', 'mkv'],
    ['video/webm', 'webm'],
    ['video/x-flv', 'flv'],
    ['video/mpeg', 'mpeg'],
    ['video/mpg', 'mpg'],
    ['video/x-ms-wmv', 'wmv'],
    ['video/wmv', 'wmv'],
    ['video/3gpp', 'three_gp'],
  ]),
  audio: new Map([
    ['audio/mpeg', 'mp3'],
    ['audio/mp3', 'mp3'],
    ['audio/wav', 'wav'],
    ['audio/x-wav', 'wav'],
    ['audio/aac', 'aac'],
    ['audio/flac', 'flac'],
    ['audio/ogg', 'ogg'],
    ['audio/opus', 'opus'],
    ['audio/mp4', 'mp4'],
    ['audio/m4a', 'm4a'],
    ['audio/webm', 'webm'],
    ['audio/pcm', 'pcm'],
  ]),
};

/** How the bytes of a format begin, in base64: for media whose type nobody told. */
const BEGINNINGS: readonly (readonly [start: string, mediaType: string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['JVBERi0', 'application/pdf'],
];

/** The block of a part; a RequestFault names the field where there is none. */
export function mediaBlock(part: MediaPart, field: string, names: DocumentNames): JsonRecord {
  const format = formatOf(part, field);
  const source = sourceOf(part, field);
  if (part.kind === 'file') return { document: { format, name: names.nameFor(part.filename), source } };
  return { [part.kind]: { format, source } };
}

function sourceOf({ source, kind }: MediaPart, field: string): JsonRecord {
  switch (source.kind) {
    case 'base64':
      return { bytes: source.data };
    case 'text':
      return { bytes: Buffer.from(source.text, 'utf8').toString('base64') };
    case 'url':
      if (source.url.startsWith('s3://')) return { s3Location: { uri: source.url } };
      throw new RequestFault(
        field,
        `Amazon Bedrock does not fetch URLs: send the ${kind} itself, in base64, or its place in S3.`,
      );
    case 'id':
      throw new RequestFault(
        field,
        `The ${kind} lies at another provider, where Amazon Bedrock cannot read it: send the ${kind} itself, in base64.`,
      );
  }
}

function formatOf(part: MediaPart, field: string): string {
  const mediaType = mediaTypeOf(part);
  const format = FORMATS[part.kind].get(mediaType) ?? formatOfName(part);
  if (format !== undefined) return format;
  const known = [...new Set(FORMATS[part.kind].values())].join(', ');
  throw new RequestFault(
    field,
    mediaType === ''
      ? `Say the media type of the ${part.kind}: Amazon Bedrock must be told its format (${known}).`
      : `Amazon Bedrock takes no ${part.kind} of this type: send one of ${known}.`,
  );
}

function mediaTypeOf({ mediaType, source, kind }: MediaPart): string {
  if (mediaType !== null && mediaType !== '') return (mediaType.split(';')[0] ?? '').trim().toLowerCase();
  if (source.kind === 'text') return 'text/plain';
  if (source.kind !== 'base64') return '';
  const found = BEGINNINGS.find(([start]) => source.data.startsWith(start))?.[1] ?? '';
  return FORMATS[kind].has(found) ? found : '';
}

/** By the ending of the file's name, or of its place in S3; any other text is plain text. */
function formatOfName({ kind, filename, source, mediaType }: MediaPart): string | undefined {
  const name = filename ?? (source.kind === 'url' ? source.url : '');
  const ending = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  const format = ending === 'jpg' ? 'jpeg' : ending;
  if ([...FORMATS[kind].values()].includes(format)) return format;
  return kind === 'file' && mediaType?.startsWith('text/') === true ? 'txt' : undefined;
}
