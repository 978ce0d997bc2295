/**
 * Mistral's chat completions and embeddings: OpenAI's dialect with other words, which refuses members
 * that it does not know (https://docs.mistral.ai/api; types of mistralai/client-ts).
 */
import { fitCallId } from '../call-ids.ts';
import type { MediaPart } from '../canonical.ts';
import type { ProviderCodec } from '../codec.ts';
import type { ChatVariant } from '../openai/chat-variant.ts';
import { unplaced } from '../openai/chat-variant.ts';
import { readEmbeddings, writeEmbeddings } from '../openai/embeddings.ts';
import { dataUrl } from '../openai/media.ts';
import { readAnswer } from '../openai/read-answer.ts';
import { ChatStreamReader } from '../openai/read-stream.ts';
import { writeChat } from '../openai/write-chat.ts';
import { imageUrl } from '../openai/write-media.ts';
import type { JsonRecord } from '../record.ts';

const VARIANT: ChatVariant = {
  dialect: 'mistral',
  maxTokensField: 'max_tokens',
  seedField: 'random_seed',
  requiredWord: 'any',
  developerRole: false,
  textLists: false,
  thinking: 'content',
  resultMedia: true,
  names: false,
  customTools: false,
  allowedTools: false,
  prefixMark: true,
  // "Unexpected role 'system' after role 'assistant'", "Unexpected role 'user' after role 'tool'" (3230).
  anyOrder: false,
  // Models that always reason refuse it, and so do those that never do.
  effortUnasked: false,
  // It tells usage at the end unasked.
  asksStreamUsage: false,
  cacheKeys: false,
  lacks: new Set(['topK', 'logitBias', 'logprobs', 'user']),
  // "Tool call id … must be a-z, A-Z, 0-9, with a length of 9."
  fitId: (id) => fitCallId(id, /^[a-zA-Z0-9]{9}$/, '', 9),
  writeMedia,
};

/** Mistral as a provider; clients do not speak its dialect. */
export const mistralProvider: ProviderCodec = {
  writeChat: (request, target, report) => writeChat(request, target, VARIANT, report),
  readChat: (body) => readAnswer(body, 'mistral'),
  readStream: (onEvent) => new ChatStreamReader(onEvent, 'mistral'),
  embeddings: {
    write: (request, target, report) => writeEmbeddings(request, target, 'mistral', report),
    read: readEmbeddings,
  },
};

function writeMedia(part: MediaPart, path: string): JsonRecord {
  const { source } = part;
  switch (part.kind) {
    case 'image':
      return { type: 'image_url', image_url: imageUrl(part, path) };
    case 'audio':
      // The bare string: base64, or a URL.
      if (source.kind === 'base64') return { type: 'input_audio', input_audio: source.data };
      if (source.kind === 'url') return { type: 'input_audio', input_audio: source.url };
      throw unplaced(path, 'sound by its id', 'Send its data in base64, or its URL.');
    case 'file':
      return writeDocument(part, path);
    case 'video':
      throw unplaced(path, 'film', 'Leave it out, or ask a model that takes it.');
  }
}

function writeDocument({ source, mediaType, filename }: MediaPart, path: string): JsonRecord {
  const named = filename === undefined ? {} : { document_name: filename };
  switch (source.kind) {
    case 'text':
      return { type: 'text', text: source.text };
    case 'url':
      return { type: 'document_url', document_url: source.url, ...named };
    case 'base64':
      return { type: 'document_url', document_url: dataUrl(source.data, mediaType, 'application/pdf'), ...named };
    case 'id':
      if (source.of === 'mistral') return { type: 'file', file_id: source.id };
      throw unplaced(path, 'file of another provider', 'Send its data in base64, or its URL.');
  }
}
