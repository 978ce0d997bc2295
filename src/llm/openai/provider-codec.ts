/** OpenAI Chat Completions as providers speak it: OpenAI itself, and the many that follow it. */
import { fitCallId } from '../call-ids.ts';
import type { ProviderCodec } from '../codec.ts';
import type { ChatVariant } from './chat-variant.ts';
import { readEmbeddings, writeEmbeddings } from './embeddings.ts';
import { readAnswer } from './read-answer.ts';
import { ChatStreamReader } from './read-stream.ts';
import { writeChat } from './write-chat.ts';
import { writeOpenaiMedia } from './write-media.ts';

export interface OpenaiProviderOptions {
  /** Default: `max_completion_tokens` for models known to reason, else `max_tokens`, which more vendors know. */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens';
  /**
   * Whether it is OpenAI itself, which takes `developer` messages and a content of several texts as a
   * list, has tools with free text, can narrow the set of tools, and keeps prompts by a key. Default false.
   */
  readonly isOpenai?: boolean;
  /** Whether usage at a stream's end must be asked for (`stream_options`). Default true. */
  readonly asksStreamUsage?: boolean;
  /** How the vendor takes earlier reasoning back (DeepSeek, Moonshot: content; OpenRouter: details). Default none. */
  readonly thinking?: 'none' | 'reasoning_content' | 'reasoning_details';
}

export function openaiProviderFor(options: OpenaiProviderOptions = {}): ProviderCodec {
  const isOpenai = options.isOpenai ?? false;
  const variant: ChatVariant = {
    dialect: 'openai',
    maxTokensField: options.maxTokensField ?? null,
    seedField: 'seed',
    requiredWord: 'required',
    developerRole: isOpenai,
    textLists: isOpenai,
    thinking: options.thinking ?? 'none',
    resultMedia: false,
    names: true,
    customTools: isOpenai,
    allowedTools: isOpenai,
    prefixMark: false,
    anyOrder: true,
    effortUnasked: true,
    asksStreamUsage: options.asksStreamUsage ?? true,
    cacheKeys: isOpenai,
    lacks: new Set(),
    // OpenAI refuses ids of more than 40 characters.
    fitId: (id) => fitCallId(id, /^[\w-]{0,40}$/, 'call_', 29),
    writeMedia: writeOpenaiMedia,
  };
  return {
    writeChat: (request, target, report) => writeChat(request, target, variant, report),
    readChat: (body) => readAnswer(body, 'openai'),
    readStream: (onEvent) => new ChatStreamReader(onEvent, 'openai'),
    embeddings: {
      write: (request, target, report) => writeEmbeddings(request, target, 'openai', report),
      read: readEmbeddings,
    },
  };
}

/** What any vendor of this dialect understands. */
export const openaiProvider: ProviderCodec = openaiProviderFor();
