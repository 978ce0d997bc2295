/** Images and documents of a request to Anthropic (https://docs.claude.com/en/docs/build-with-claude/files). */
import type { MediaPart } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';

/** The block without what every block may have. */
export function writeMedia(part: MediaPart, path: string, report: Report): JsonRecord {
  if (part.kind === 'audio' || part.kind === 'video')
    throw new RequestFault(path, `The provider takes no ${part.kind}: leave it out or choose another model.`);
  if (part.detail !== undefined && part.detail !== 'auto')
    report.dropped(`${path}.detail`, 'the provider looks at every image alike');
  const type = mediaTypeOf(part);
  const isImage = part.kind === 'image' || type?.startsWith('image/') === true;
  return isImage ? { type: 'image', source: imageSource(part, type, path) } : documentBlock(part, type, path);
}

function imageSource({ source }: MediaPart, type: string | null, path: string): JsonRecord {
  switch (source.kind) {
    case 'url':
      return { type: 'url', url: source.url };
    case 'id':
      return { type: 'file', file_id: idOf(source, path) };
    case 'base64':
      if (type === null) throw new RequestFault(path, 'Say the media type of the image, for example image/png.');
      return { type: 'base64', media_type: type, data: source.data };
    case 'text':
      throw new RequestFault(path, 'An image is given by URL, in base64 or by the id of a file.');
  }
}

function documentBlock(part: MediaPart, type: string | null, path: string): JsonRecord {
  const title = part.filename === undefined ? {} : { title: part.filename };
  return { type: 'document', source: documentSource(part, type, path), ...title };
}

function documentSource({ source }: MediaPart, type: string | null, path: string): JsonRecord {
  switch (source.kind) {
    case 'url':
      return { type: 'url', url: source.url };
    case 'id':
      return { type: 'file', file_id: idOf(source, path) };
    case 'text':
      return { type: 'text', media_type: 'text/plain', data: source.text };
    case 'base64':
      if (type === 'application/pdf') return { type: 'base64', media_type: type, data: source.data };
      if (type !== null && isText(type))
        return { type: 'text', media_type: 'text/plain', data: Buffer.from(source.data, 'base64').toString('utf8') };
      throw new RequestFault(path, 'The provider takes documents as PDF or text: convert it and say its media type.');
  }
}

function idOf({ id, of }: Extract<MediaPart['source'], { kind: 'id' }>, path: string): string {
  if (of === 'anthropic') return id;
  throw new RequestFault(path, 'The file lies at another provider: send its content, or a URL, instead of its id.');
}

function isText(type: string): boolean {
  return type.startsWith('text/') || type === 'application/json' || type === 'application/xml';
}

/** How base64 of each kind of file begins. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['JVBERi0', 'application/pdf'],
];

/** As the caller says, else as the bytes say. */
function mediaTypeOf({ mediaType, source }: MediaPart): string | null {
  if (mediaType !== null) return mediaType.split(';', 1)[0]?.trim().toLowerCase() ?? null;
  if (source.kind !== 'base64') return null;
  return BEGINNINGS.find(([beginning]) => source.data.startsWith(beginning))?.[1] ?? null;
}
