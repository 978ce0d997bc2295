/** The content of a caller's message: a string, or a list of parts. */
import type { MediaPart, Part, TextPart } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { readCacheMark } from './cache-mark.ts';
import { audioMediaType, readUrl } from './media.ts';
import type { Field } from './request-fields.ts';
import {
  expected,
  extraOf,
  isAbsent,
  member,
  nestedOthers,
  optionalText,
  othersOf,
  requiredList,
  requiredRecord,
  requiredText,
} from './request-fields.ts';

const TEXT = new Set(['type', 'text', 'cache_control']);
const REFUSAL = new Set(['type', 'refusal', 'cache_control']);
const IMAGE = new Set(['type', 'image_url', 'cache_control']);
const IMAGE_URL = new Set(['url', 'detail', 'format']);
const AUDIO = new Set(['type', 'input_audio', 'cache_control']);
const AUDIO_DATA = new Set(['data', 'format']);
const FILE = new Set(['type', 'file', 'cache_control']);
const FILE_DATA = new Set(['file_data', 'file_id', 'filename', 'format']);
const VIDEO = new Set(['type', 'video_url', 'cache_control']);

/** An empty string says nothing, so it makes no part. */
export function readContent(field: Field): readonly Part[] {
  const { value, path } = field;
  if (isAbsent(value) || value === '') return [];
  if (typeof value === 'string') return [{ kind: 'text', text: value }];
  if (!Array.isArray(value)) throw expected(path, 'a string or a list of parts');
  return requiredList(field).map(readPart);
}

function readPart(field: Field): Part {
  // Some clients write texts without their wrapping.
  if (typeof field.value === 'string') return { kind: 'text', text: field.value };
  const part = requiredRecord(field);
  const { path } = field;
  const type = requiredText(member(part, 'type', path));
  switch (type) {
    case 'text':
      return readText(part, path);
    case 'refusal': {
      const text = requiredText(member(part, 'refusal', path));
      return { kind: 'refusal', text, ...readCacheMark(part['cache_control']), ...extraOf(othersOf(part, REFUSAL)) };
    }
    case 'image_url':
      return readLinked('image', part, path);
    case 'video_url':
      return readLinked('video', part, path);
    case 'input_audio':
      return readAudio(part, path);
    case 'file':
      return readFile(part, path);
    default:
      return { kind: 'opaque', of: 'openai', value: part };
  }
}

function readText(part: JsonRecord, path: string): TextPart {
  const text = requiredText(member(part, 'text', path));
  return { kind: 'text', text, ...readCacheMark(part['cache_control']), ...extraOf(othersOf(part, TEXT)) };
}

/** `image_url`, and `video_url` as OpenRouter and others have it: an object, or (of some clients) the bare URL. */
function readLinked(kind: 'image' | 'video', part: JsonRecord, path: string): MediaPart {
  const name = kind === 'image' ? 'image_url' : 'video_url';
  const field = member(part, name, path);
  const link = typeof field.value === 'string' ? { url: field.value } : requiredRecord(field);
  const urlField = member(link, 'url', field.path);
  const { source, mediaType } = readUrl(requiredText(urlField), urlField.path);
  const detail = optionalText(member(link, 'detail', field.path));
  return {
    kind,
    source,
    mediaType: mediaType ?? optionalText(member(link, 'format', field.path)),
    ...(detail !== null && { detail }),
    ...readCacheMark(part['cache_control']),
    ...extraOf(othersOf(part, kind === 'image' ? IMAGE : VIDEO), nestedOthers(name, link, IMAGE_URL)),
  };
}

function readAudio(part: JsonRecord, path: string): MediaPart {
  const field = member(part, 'input_audio', path);
  const audio = requiredRecord(field);
  const data = requiredText(member(audio, 'data', field.path));
  const format = optionalText(member(audio, 'format', field.path));
  return {
    kind: 'audio',
    source: { kind: 'base64', data },
    mediaType: format === null ? null : audioMediaType(format),
    ...readCacheMark(part['cache_control']),
    ...extraOf(othersOf(part, AUDIO), nestedOthers('input_audio', audio, AUDIO_DATA)),
  };
}

function readFile(part: JsonRecord, path: string): MediaPart {
  const field = member(part, 'file', path);
  const file = requiredRecord(field);
  const id = optionalText(member(file, 'file_id', field.path));
  const filename = optionalText(member(file, 'filename', field.path));
  return {
    kind: 'file',
    ...(id === null
      ? readFileData(member(file, 'file_data', field.path), optionalText(member(file, 'format', field.path)))
      : { source: { kind: 'id', id, of: 'openai' }, mediaType: null }),
    ...(filename !== null && { filename }),
    ...readCacheMark(part['cache_control']),
    ...extraOf(othersOf(part, FILE), nestedOthers('file', file, FILE_DATA)),
  };
}

/** OpenAI takes a data URL; OpenRouter a plain URL, too; some clients send bare base64. */
function readFileData(field: Field, mediaType: string | null): Pick<MediaPart, 'source' | 'mediaType'> {
  if (isAbsent(field.value)) throw expected(field.path, 'the data URL of the file, where no "file_id" is given');
  const data = requiredText(field);
  if (!/^(data|https?):/i.test(data.slice(0, 6))) return { source: { kind: 'base64', data }, mediaType };
  const read = readUrl(data, field.path);
  return { source: read.source, mediaType: read.mediaType ?? mediaType };
}
