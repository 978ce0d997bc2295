/** The content of a caller's message: a string, or a list of parts. */
import type { MediaPart, Part, TextPart } from '../canonical.ts';
import { otherMembers, within } from '../record.ts';
import type { Place } from '../request-members.ts';
import {
  anyMember,
  expected,
  extraMember,
  pathOf,
  recordAt,
  requiredRecord,
  requiredText,
  textMember,
} from '../request-members.ts';
import { readCacheMark } from './cache-mark.ts';
import { audioMediaType, readUrl } from './media.ts';

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
export function readContent(message: Place): readonly Part[] {
  const content = anyMember(message, 'content');
  const path = pathOf(message, 'content');
  if (content === undefined || content === '') return [];
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) throw expected(path, 'a string or a list of parts');
  return content.map((part: unknown, index) => readPart(part, `${path}[${index}]`));
}

function readPart(value: unknown, path: string): Part {
  // Some clients write texts without their wrapping.
  if (typeof value === 'string') return { kind: 'text', text: value };
  const part = recordAt(value, path);
  const type = requiredText(part, 'type');
  switch (type) {
    case 'text':
      return readText(part);
    case 'refusal': {
      const text = requiredText(part, 'refusal');
      return {
        kind: 'refusal',
        text,
        ...readCacheMark(part.value['cache_control']),
        ...extraMember(otherMembers(part.value, REFUSAL)),
      };
    }
    case 'image_url':
      return readLinked('image', part);
    case 'video_url':
      return readLinked('video', part);
    case 'input_audio':
      return readAudio(part);
    case 'file':
      return readFile(part);
    default:
      return { kind: 'opaque', of: 'openai', value: part.value };
  }
}

function readText(part: Place): TextPart {
  const text = requiredText(part, 'text');
  return {
    kind: 'text',
    text,
    ...readCacheMark(part.value['cache_control']),
    ...extraMember(otherMembers(part.value, TEXT)),
  };
}

/** `image_url`, and `video_url` as OpenRouter and others have it: an object, or (of some clients) the bare URL. */
function readLinked(kind: 'image' | 'video', part: Place): MediaPart {
  const name = kind === 'image' ? 'image_url' : 'video_url';
  const url = part.value[name];
  const link = typeof url === 'string' ? { value: { url }, path: pathOf(part, name) } : requiredRecord(part, name);
  const { source, mediaType } = readUrl(requiredText(link, 'url'), pathOf(link, 'url'));
  const detail = textMember(link, 'detail');
  return {
    kind,
    source,
    mediaType: mediaType ?? textMember(link, 'format'),
    ...(detail !== null && { detail }),
    ...readCacheMark(part.value['cache_control']),
    ...extraMember({
      ...otherMembers(part.value, kind === 'image' ? IMAGE : VIDEO),
      ...within(name, otherMembers(link.value, IMAGE_URL)),
    }),
  };
}

function readAudio(part: Place): MediaPart {
  const audio = requiredRecord(part, 'input_audio');
  const data = requiredText(audio, 'data');
  const format = textMember(audio, 'format');
  return {
    kind: 'audio',
    source: { kind: 'base64', data },
    mediaType: format === null ? null : audioMediaType(format),
    ...readCacheMark(part.value['cache_control']),
    ...extraMember({
      ...otherMembers(part.value, AUDIO),
      ...within('input_audio', otherMembers(audio.value, AUDIO_DATA)),
    }),
  };
}

function readFile(part: Place): MediaPart {
  const file = requiredRecord(part, 'file');
  const id = textMember(file, 'file_id');
  const filename = textMember(file, 'filename');
  return {
    kind: 'file',
    ...(id === null
      ? readFileData(file, textMember(file, 'format'))
      : { source: { kind: 'id', id, of: 'openai' }, mediaType: null }),
    ...(filename !== null && { filename }),
    ...readCacheMark(part.value['cache_control']),
    ...extraMember({ ...otherMembers(part.value, FILE), ...within('file', otherMembers(file.value, FILE_DATA)) }),
  };
}

/** OpenAI takes a data URL; OpenRouter a plain URL, too; some clients send bare base64. */
function readFileData(file: Place, mediaType: string | null): Pick<MediaPart, 'source' | 'mediaType'> {
  const path = pathOf(file, 'file_data');
  const data = textMember(file, 'file_data');
  if (data === null) throw expected(path, 'the data URL of the file, where no "file_id" is given');
  if (!/^(data|https?):/i.test(data.slice(0, 6))) return { source: { kind: 'base64', data }, mediaType };
  const read = readUrl(data, path);
  return { source: read.source, mediaType: read.mediaType ?? mediaType };
}
