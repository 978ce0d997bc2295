/** Content of messages and of tools' results, as callers give it. */
import type { CacheMark, MediaPart, MediaSource, Part } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import { otherMembers } from '../record.ts';
import {
  expected,
  extraMember,
  listMember,
  pathOf,
  recordMember,
  recordsAt,
  requiredRecord,
  requiredText,
  textMember,
  type Place,
} from '../request-members.ts';
import { readAnnotations, readLogprobs } from './annotations.ts';

const DATA_URL = /^data:([^;,]*)(?:;[^;,]*)*;base64,/i;

const TEXT = new Set(['type', 'text', 'prompt_cache_breakpoint']);
const OUTPUT_TEXT = new Set(['type', 'text', 'annotations', 'logprobs']);
const REFUSAL = new Set(['type', 'refusal']);
const IMAGE = new Set(['type', 'image_url', 'file_id', 'detail', 'prompt_cache_breakpoint']);
const FILE = new Set(['type', 'file_data', 'file_id', 'file_url', 'filename', 'detail', 'prompt_cache_breakpoint']);
const AUDIO = new Set(['type', 'input_audio']);

/** A string, or a list of parts. */
export function readContent(place: Place, name: string): readonly Part[] {
  const value: unknown = place.value[name];
  if (typeof value === 'string') return [{ kind: 'text', text: value }];
  const path = pathOf(place, name);
  if (!Array.isArray(value)) throw expected(path, 'a string or a list of content parts');
  return recordsAt(value, path, readPart);
}

function readPart(place: Place): Part {
  const type = requiredText(place, 'type');
  switch (type) {
    case 'input_text':
      return {
        kind: 'text',
        text: requiredText(place, 'text'),
        ...cacheOf(place),
        ...extraMember(otherMembers(place.value, TEXT)),
      };
    case 'output_text':
      return readOutputText(place);
    case 'refusal':
      return {
        kind: 'refusal',
        text: requiredText(place, 'refusal'),
        ...extraMember(otherMembers(place.value, REFUSAL)),
      };
    case 'input_image':
      return readImage(place);
    case 'input_file':
      return readFile(place);
    case 'input_audio':
      return readAudio(place);
    default:
      throw expected(pathOf(place, 'type'), 'input_text, input_image, input_file, input_audio, output_text or refusal');
  }
}

function readOutputText(place: Place): Part {
  const annotations = readAnnotations(listMember(place, 'annotations'));
  const logprobs = readLogprobs(listMember(place, 'logprobs'));
  return {
    kind: 'text',
    text: requiredText(place, 'text'),
    ...(annotations.length > 0 && { annotations }),
    ...(logprobs.length > 0 && { logprobs }),
    ...extraMember(otherMembers(place.value, OUTPUT_TEXT)),
  };
}

function readImage(place: Place): MediaPart {
  const url = textMember(place, 'image_url');
  const id = textMember(place, 'file_id');
  if (url === null && id === null)
    throw new RequestFault(pathOf(place, 'image_url'), `"${place.path}" needs an image_url or a file_id.`);
  const found = url === null ? idSource(id ?? '') : urlSource(url);
  return {
    kind: 'image',
    ...found,
    ...detailOf(place),
    ...cacheOf(place),
    ...extraMember(otherMembers(place.value, IMAGE)),
  };
}

function readFile(place: Place): MediaPart {
  const filename = textMember(place, 'filename');
  return {
    kind: 'file',
    ...fileSource(place),
    ...(filename !== null && { filename }),
    ...detailOf(place),
    ...cacheOf(place),
    ...extraMember(otherMembers(place.value, FILE)),
  };
}

function fileSource(place: Place): FoundSource {
  const data = textMember(place, 'file_data');
  if (data !== null) {
    const found = urlSource(data);
    return found.source.kind === 'base64' ? found : { source: { kind: 'base64', data }, mediaType: null };
  }
  const url = textMember(place, 'file_url');
  if (url !== null) return urlSource(url);
  const id = textMember(place, 'file_id');
  if (id !== null) return idSource(id);
  throw new RequestFault(place.path, `"${place.path}" needs a file_data, a file_url or a file_id.`);
}

function readAudio(place: Place): MediaPart {
  const audio = requiredRecord(place, 'input_audio');
  const format = requiredText(audio, 'format');
  return {
    kind: 'audio',
    source: { kind: 'base64', data: requiredText(audio, 'data') },
    mediaType: format === 'mp3' ? 'audio/mpeg' : `audio/${format}`,
    ...extraMember(otherMembers(place.value, AUDIO)),
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
  const detail = textMember(place, 'detail');
  return detail === null ? {} : { detail };
}

/** OpenAI keeps a prefix for 30 minutes (the default) or 12 hours, others for 5 minutes or an hour. */
function cacheOf(place: Place): { readonly cache?: CacheMark } {
  const mark = recordMember(place, 'prompt_cache_breakpoint');
  return mark === null ? {} : { cache: { ttl: mark.value['ttl'] === '12h' ? '1h' : '5m' } };
}
