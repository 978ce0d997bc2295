/** Media as parts of a content, as OpenAI and the vendors after it have them. */
import type { MediaPart } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import { unplaced } from './chat-variant.ts';
import { audioFormat, dataUrl } from './media.ts';

export function writeOpenaiMedia(part: MediaPart, path: string, extra: JsonRecord): JsonRecord {
  switch (part.kind) {
    case 'image':
      return { ...extra, type: 'image_url', image_url: { ...recordOf(extra['image_url']), ...imageUrl(part, path) } };
    case 'video':
      // Not OpenAI's, but of OpenRouter, Moonshot, Qwen and others.
      return { ...extra, type: 'video_url', video_url: { ...recordOf(extra['video_url']), url: linkOf(part, path) } };
    case 'audio':
      return {
        ...extra,
        type: 'input_audio',
        input_audio: { ...recordOf(extra['input_audio']), ...audio(part, path) },
      };
    case 'file':
      return writeFile(part, path, extra);
  }
}

/** `url`, and `detail` where the caller set it. */
export function imageUrl(part: MediaPart, path: string): JsonRecord {
  return { url: linkOf(part, path), ...(part.detail !== undefined && { detail: part.detail }) };
}

/** The URL of a medium, or its data as a URL. */
export function linkOf({ kind, source, mediaType }: MediaPart, path: string): string {
  if (source.kind === 'url') return source.url;
  if (source.kind === 'base64') return dataUrl(source.data, mediaType, kind === 'image' ? 'image/png' : 'video/mp4');
  throw unplaced(path, `${kind} by its id`, 'Send its data in base64, or its URL.');
}

function audio({ source, mediaType }: MediaPart, path: string): JsonRecord {
  if (source.kind === 'base64') return { data: source.data, format: audioFormat(mediaType) };
  throw unplaced(path, 'sound by reference', 'Send its data in base64.');
}

function writeFile(part: MediaPart, path: string, extra: JsonRecord): JsonRecord {
  const { source, mediaType } = part;
  // A document that is text has no part of its own.
  if (source.kind === 'text') return { type: 'text', text: source.text };
  const named = part.filename === undefined ? {} : { filename: part.filename };
  const file = { ...recordOf(extra['file']), ...named };
  if (source.kind === 'base64') {
    const file_data = dataUrl(source.data, mediaType, 'application/pdf');
    // OpenAI refuses data without a name.
    return { ...extra, type: 'file', file: { filename: 'document', ...file, file_data } };
  }
  if (source.kind === 'id' && (source.of === 'openai' || source.of === 'openai-responses'))
    return { ...extra, type: 'file', file: { ...file, file_id: source.id } };
  throw unplaced(
    path,
    source.kind === 'url' ? 'document by its URL' : 'file of another provider',
    'Send its data in base64.',
  );
}
