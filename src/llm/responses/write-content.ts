/** Content of messages and of tools' results, as OpenAI takes it. */
import { reportCacheMark } from '../cache-mark.ts';
import type { ChatRequest, MediaPart, Part, TextPart } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import { reportExtra } from '../own-extra.ts';
import { otherMembers, type JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { writeAnnotation, writeLogprob } from './annotations.ts';

/** What is being written, and where the caller's field is told. */
export interface Writing {
  readonly request: ChatRequest;
  /** The request came in this dialect: its own members go out again. */
  readonly isOwn: boolean;
  /** Ids of the calls with free text, where the caller's dialect does not say of their results what they answer. */
  readonly customCalls: ReadonlySet<string>;
  readonly report: Report;
}

const MESSAGE = new Set(['message']);

/** What a user, a system or a tool says. Null: it does not go. */
export function writeInputPart(part: Part, path: string, writing: Writing): JsonRecord | null {
  switch (part.kind) {
    case 'text':
      return {
        ...ownExtra(part, path, writing),
        type: 'input_text',
        text: part.text,
        ...cacheMark(part, writing),
      };
    case 'refusal':
      return { ...ownExtra(part, path, writing), type: 'input_text', text: part.text };
    case 'image':
    case 'file':
    case 'audio':
    case 'video':
      return {
        ...ownExtra(part, path, writing),
        ...writeMedia(part, path, writing),
        ...cacheMark(part, writing),
      };
    default:
      writing.report.dropped(path, `a part of kind ${part.kind} has no place here at OpenAI`);
      return null;
  }
}

/** What the model said: OpenAI takes back text and refusals only. */
export function writeOutputPart(part: Part, path: string, writing: Writing): JsonRecord | null {
  switch (part.kind) {
    case 'text':
      return { ...ownExtra(part, path, writing), ...writeOutputText(part) };
    case 'refusal':
      return { ...ownExtra(part, path, writing), type: 'refusal', refusal: part.text };
    default:
      writing.report.dropped(path, `OpenAI takes no ${part.kind} back that a model made`);
      return null;
  }
}

function writeOutputText({ text, annotations, logprobs }: TextPart): JsonRecord {
  return {
    type: 'output_text',
    text,
    annotations: (annotations ?? []).map(writeAnnotation).filter((annotation) => annotation !== null),
    ...(logprobs !== undefined && { logprobs: logprobs.map(writeLogprob) }),
  };
}

function ownExtra(part: Part, path: string, { request, isOwn, report }: Writing): JsonRecord {
  if (isOwn) return otherMembers(part.extra ?? {}, MESSAGE);
  reportExtra(part.extra, path, { extraOf: request.extraOf, report });
  return {};
}

function cacheMark(part: Part, { isOwn, report }: Writing): JsonRecord {
  // Older models refuse marks, so they are only sent for a caller who knows OpenAI's.
  if (isOwn && part.cache !== undefined)
    return { prompt_cache_breakpoint: { mode: 'explicit', ...(part.cache.ttl === '1h' && { ttl: '12h' }) } };
  reportCacheMark(part, report);
  return {};
}

function writeMedia(part: MediaPart, path: string, writing: Writing): JsonRecord {
  switch (part.kind) {
    case 'image':
      return writeImage(part, path, writing);
    case 'file':
      return writeFile(part, path, writing);
    case 'audio':
      return writeAudio(part, path);
    case 'video':
      throw new RequestFault(path, 'OpenAI takes no video: leave it out, or use another model.');
  }
}

function writeImage(part: MediaPart, path: string, writing: Writing): JsonRecord {
  const { source, detail, filename } = part;
  if (filename !== undefined) writing.report.dropped(`${path}.filename`, 'OpenAI takes no names of images');
  const image = { type: 'input_image', detail: detail ?? 'auto' };
  switch (source.kind) {
    case 'url':
      return { ...image, image_url: source.url };
    case 'base64':
      return { ...image, image_url: `data:${part.mediaType ?? 'image/png'};base64,${source.data}` };
    case 'id':
      return { ...image, file_id: fileId(source, path) };
    case 'text':
      throw new RequestFault(path, 'An image must be given as a URL or as base64 data.');
  }
}

function writeFile(part: MediaPart, path: string, writing: Writing): JsonRecord {
  const { source, detail, filename, mediaType } = part;
  const file = {
    type: 'input_file',
    ...(filename !== undefined && { filename }),
    ...(detail !== undefined && { detail }),
  };
  switch (source.kind) {
    case 'url':
      return { ...file, file_url: source.url };
    case 'base64':
      // OpenAI refuses data without a name.
      return {
        ...file,
        filename: filename ?? `file.${EXTENSIONS.get(mediaType ?? 'application/pdf') ?? 'txt'}`,
        file_data: mediaType === null ? source.data : `data:${mediaType};base64,${source.data}`,
      };
    case 'id':
      return { ...file, file_id: fileId(source, path) };
    case 'text':
      writing.report.approximated(path, 'a document of plain text goes to OpenAI as text');
      return { type: 'input_text', text: filename === undefined ? source.text : `${filename}\n\n${source.text}` };
  }
}

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['application/pdf', 'pdf'],
  ['application/json', 'json'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.openxmlformats-officedocument.presentationml.presentation', 'pptx'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['text/csv', 'csv'],
  ['text/html', 'html'],
  ['text/markdown', 'md'],
]);

function writeAudio({ source, mediaType }: MediaPart, path: string): JsonRecord {
  const format = AUDIO_FORMATS.get(mediaType ?? '');
  if (source.kind !== 'base64' || format === undefined)
    throw new RequestFault(
      path,
      'OpenAI takes sound as base64 data of WAV or MP3 only: convert it, or use another model.',
    );
  return { type: 'input_audio', input_audio: { data: source.data, format } };
}

const AUDIO_FORMATS: ReadonlyMap<string, string> = new Map([
  ['audio/wav', 'wav'],
  ['audio/x-wav', 'wav'],
  ['audio/wave', 'wav'],
  ['audio/mpeg', 'mp3'],
  ['audio/mp3', 'mp3'],
]);

function fileId(source: MediaPart['source'] & { kind: 'id' }, path: string): string {
  // Files of OpenAI are the same for both of its chat endpoints.
  if (source.of === 'openai-responses' || source.of === 'openai') return source.id;
  throw new RequestFault(path, 'This file lies at another provider: send its data or a URL instead.');
}
