/** Content of messages and of tools' results, as callers give it. */
import type { CacheMark, MediaPart, MediaSource, Part } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { readAnnotations, readLogprobs } from './annotations.ts';
import {
  extraMember,
  listOrNull,
  others,
  pathOf,
  placeOf,
  recordOrNull,
  text,
  textOrNull,
  type Place,
} from './fields.ts';

const DATA_URL = /^data:([^;,]*)(?:;[^;,]*)*;base64,/i;

const TEXT = new Set(['type', 'text', 'prompt_cache_breakpoint']);
const OUTPUT_TEXT = new Set(['type', 'text', 'annotations', 'logprobs']);
const REFUSAL = new Set(['type', 'refusal']);
const IMAGE = new Set(['type', 'image_url', 'file_id', 'detail', 'prompt_cache_breakpoint']);
const FILE = new Set(['type', 'file_data', 'file_id', 'file_url', 'filename', 'detail', 'prompt_cache_breakpoint']);
const AUDIO = new Set(['type', 'input_audio']);

/** A string, or a list of parts. */
export function readContent(place: Place, name: string): readonly Part[] {
  const value: unknown = place.record[name];
  if (typeof value === 'string') return [{ kind: 'text', text: value }];
  const path = pathOf(place, name);
  if (!Array.isArray(value)) throw new RequestFault(path, `${path} must be a string or a list of content parts.`);
  return value.map((part: unknown, index) => readPart(placeOf(part, `${path}[${index}]`)));
}

function readPart(place: Place): Part {
  const type = text(place, 'type');
  switch (type) {
    case 'input_text':
      return { kind: 'text', text: text(place, 'text'), ...cacheOf(place), ...extraMember(others(place.record, TEXT)) };
    case 'output_text':
      return readOutputText(place);
    case 'refusal':
      return { kind: 'refusal', text: text(place, 'refusal'), ...extraMember(others(place.record, REFUSAL)) };
    case 'input_image':
      return readImage(place);
    case 'input_file':
      return readFile(place);
    case 'input_audio':
      return readAudio(place);
    default:
      throw new RequestFault(
        pathOf(place, 'type'),
        `${pathOf(place, 'type')} must be input_text, input_image, input_file, input_audio, output_text or refusal.`,
      );
  }
}

function readOutputText(place: Place): Part {
  const annotations = readAnnotations(listOrNull(place, 'annotations'));
  const logprobs = readLogprobs(listOrNull(place, 'logprobs'));
  return {
    kind: 'text',
    text: text(place, 'text'),
    ...(annotations.length > 0 && { annotations }),
    ...(logprobs.length > 0 && { logprobs }),
    ...extraMember(others(place.record, OUTPUT_TEXT)),
  };
}

function readImage(place: Place): MediaPart {
  const url = textOrNull(place, 'image_url');
  const id = textOrNull(place, 'file_id');
  if (url === null && id === null)
    throw new RequestFault(pathOf(place, 'image_url'), `${place.path} needs an image_url or a file_id.`);
  const found = url === null ? idSource(id ?? '') : urlSource(url);
  return {
    kind: 'image',
    ...found,
    ...detailOf(place),
    ...cacheOf(place),
    ...extraMember(others(place.record, IMAGE)),
  };
}

function readFile(place: Place): MediaPart {
  const filename = textOrNull(place, 'filename');
  return {
    kind: 'file',
    ...fileSource(place),
    ...(filename !== null && { filename }),
    ...detailOf(place),
    ...cacheOf(place),
    ...extraMember(others(place.record, FILE)),
  };
}

function fileSource(place: Place): FoundSource {
  const data = textOrNull(place, 'file_data');
  if (data !== null) {
    const found = urlSource(data);
    return found.source.kind === 'base64' ? found : { source: { kind: 'base64', data }, mediaType: null };
  }
  const url = textOrNull(place, 'file_url');
  if (url !== null) return urlSource(url);
  const id = textOrNull(place, 'file_id');
  if (id !== null) return idSource(id);
  throw new RequestFault(place.path, `${place.path} needs a file_data, a file_url or a file_id.`);
}

function readAudio(place: Place): MediaPart {
  const path = pathOf(place, 'input_audio');
  const audio = placeOf(place.record['input_audio'], path);
  const format = text(audio, 'format');
  return {
    kind: 'audio',
    source: { kind: 'base64', data: text(audio, 'data') },
    mediaType: format === 'mp3' ? 'audio/mpeg' : `audio/${format}`,
    ...extraMember(others(place.record, AUDIO)),
  };
}

interface FoundSource {
  readonly source: MediaSource;
  readonly mediaType: string | null;
}

function idSource(id: string): FoundSource {
  return { source: { kind: 'id', id, of: 'openai-responses' }, mediaType: null };
}

function urlSource(url: string): FoundSource {
  // The head only: the expression must not run over megabytes of an image.
  const head = DATA_URL.exec(url.slice(0, 256));
  if (head === null) return { source: { kind: 'url', url }, mediaType: null };
  return { source: { kind: 'base64', data: url.slice(head[0].length) }, mediaType: head[1] || null };
}

function detailOf(place: Place): { readonly detail?: string } {
  const detail = textOrNull(place, 'detail');
  return detail === null ? {} : { detail };
}

/** OpenAI keeps a prefix for 30 minutes (the default) or 12 hours, others for 5 minutes or an hour. */
function cacheOf(place: Place): { readonly cache?: CacheMark } {
  const mark: JsonRecord | null = recordOrNull(place, 'prompt_cache_breakpoint');
  return mark === null ? {} : { cache: { ttl: mark['ttl'] === '12h' ? '1h' : '5m' } };
}
