/** Images and documents that are not what they are said to be. */
import type { ChatRequest, MediaPart, Part } from './canonical.ts';
import type { DialectName } from './dialect.ts';
import { RequestFault } from './faults.ts';
import { sniffMediaType } from './media-type.ts';
import type { Report } from './report.ts';
import { isMedia, mediaOf, partField, turnField } from './turn-path.ts';

/** Schemes besides those of the web which a provider reads itself. */
const OWN_SCHEMES: Readonly<Partial<Record<DialectName, string>>> = { gemini: 'gs', bedrock: 's3' };
/** Base64 of the bytes by which a format is known. */
const HEAD_CHARACTERS = 64;
/** Where Acrobat and those like it look for the mark of a PDF (PDF 1.7, annex H). */
const PDF_HEAD_CHARACTERS = 1368;

export function checkMedia(request: ChatRequest, target: DialectName): void {
  for (const { part, field } of mediaOf(request)) {
    const { source } = part;
    if (source.kind === 'url') checkUrl(source.url, field, target);
    else if (source.kind === 'id' && source.of === 'gemini') checkFileName(source.id, field);
    else if (source.kind === 'base64') checkBytes(part, source.data, field);
  }
}

/** The same of a request that goes on as it is: where media are fetched from is between the caller and the provider. */
export function checkMediaBytes(request: ChatRequest): void {
  for (const { part, field } of mediaOf(request)) {
    if (part.source.kind === 'base64') checkBytes(part, part.source.data, field);
  }
}

function schemeOf(url: string): string | null {
  return /^([a-z][a-z0-9+.-]*):/i.exec(url.slice(0, HEAD_CHARACTERS))?.[1]?.toLowerCase() ?? null;
}

function checkUrl(url: string, field: string, target: DialectName): void {
  const scheme = schemeOf(url);
  const isOfWeb = (scheme === 'https' || scheme === 'http') && URL.canParse(url);
  if (isOfWeb || (scheme !== null && scheme === OWN_SCHEMES[target])) return;
  throw new RequestFault(field, `"${field}" must be an http or https URL, or a data URL in base64.`);
}

/** Google's files have names, or lie in its storage. */
function checkFileName(name: string, field: string): void {
  const scheme = schemeOf(name);
  if (scheme === null || scheme === 'gs' || scheme === 'https' || scheme === 'http') return;
  throw new RequestFault(field, `"${field}" must be an http or https URL, or name a file that lies at Google.`);
}

function checkBytes(part: MediaPart, data: string, field: string): void {
  if (data === '' || !isBase64(data))
    throw new RequestFault(field, `"${field}" must hold the bytes of the ${part.kind} in base64 (A-Z a-z 0-9 + / =).`);
  if (part.kind === 'image' && imageTypeOf(data) === null)
    throw new RequestFault(field, `"${field}" holds no image that models take. Send a PNG, JPEG, GIF or WebP.`);
  if (part.kind === 'file' && baseType(part) === 'application/pdf' && !isPdf(data))
    throw new RequestFault(field, `"${field}" is said to be a PDF, and is none. Send a PDF, or say what it is.`);
}

/** Not as one expression over all of it: what is wrong is looked for, so that nothing is kept to go back to. */
function isBase64(data: string): boolean {
  if (/[^A-Za-z0-9+/=\s]|=[^=\s]|===/.test(data)) return false;
  return data.length % 4 !== 1 || /\s/.test(data);
}

function headOf(data: string, characters: number): Buffer {
  return Buffer.from(data.slice(0, characters), 'base64');
}

function imageTypeOf(data: string): string | null {
  const type = sniffMediaType(headOf(data, HEAD_CHARACTERS));
  return type?.startsWith('image/') === true ? type : null;
}

function isPdf(data: string): boolean {
  return headOf(data, PDF_HEAD_CHARACTERS).includes('%PDF-');
}

function baseType({ mediaType }: MediaPart): string | null {
  return mediaType?.split(';', 1)[0]?.trim().toLowerCase() ?? null;
}

/**
 * The request with its images under the types that their bytes tell: providers refuse others, and
 * callers often take all images for PNG.
 */
export function withTrueTypes(request: ChatRequest, report: Report): ChatRequest {
  if (![...mediaOf(request)].some(({ part }) => trueTypeOf(part) !== null)) return request;
  const corrected = (part: Part, field: string): Part => {
    if (part.kind === 'tool_result') return { ...part, parts: part.parts.map((inner) => corrected(inner, field)) };
    const mediaType = isMedia(part) ? trueTypeOf(part) : null;
    if (mediaType === null || !isMedia(part)) return part;
    if (baseType(part) !== 'image/jpg')
      report.approximated(field, `the image goes as ${mediaType}, which its bytes are`);
    return { ...part, mediaType };
  };
  return {
    ...request,
    turns: request.turns.map((turn, at) => ({
      ...turn,
      parts: turn.parts.map((part, index) => corrected(part, partField(request, turnField(request, at), index))),
    })),
  };
}

/** The type of an image's bytes where another one is said; null: it is as said, or nothing is. */
function trueTypeOf(part: MediaPart): string | null {
  const said = baseType(part);
  if (part.kind !== 'image' || part.source.kind !== 'base64' || said === null) return null;
  const found = imageTypeOf(part.source.data);
  return found === null || found === said || ALIKE.get(said) === found ? null : found;
}

/** One is a kind of the other. */
const ALIKE: ReadonlyMap<string, string> = new Map([
  ['image/heif', 'image/heic'],
  ['image/heic', 'image/heif'],
]);
