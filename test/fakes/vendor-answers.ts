/** What a vendor of each dialect answers: one short text, with fixed usage that tests compare with. */
import type { ClientDialectName, Usage } from '../../src/llm/dialect.ts';

export interface AskedFor {
  readonly dialect: ClientDialectName;
  readonly operation: 'chat' | 'embeddings' | 'count_tokens' | 'models' | 'other';
  readonly model: string;
  readonly stream: boolean;
  /** OpenAI chat only: `stream_options.include_usage`. */
  readonly includeUsage: boolean;
  /** OpenAI embeddings only: `encoding_format` is `base64`. */
  readonly base64: boolean;
}

export const ANSWER_WORDS = ['The ', 'fake ', 'vendor ', 'says ', 'hello.'] as const;
export const ANSWER_TEXT = ANSWER_WORDS.join('');

/** The usage that every chat answer states, as Keyward counts it. */
export const STATED_USAGE: Readonly<Record<ClientDialectName, Usage>> = {
  openai: { inputTokens: 11, cachedInputTokens: 3, cacheWriteTokens: 0, outputTokens: 7, reasoningTokens: 2 },
  'openai-responses': {
    inputTokens: 12,
    cachedInputTokens: 4,
    cacheWriteTokens: 0,
    outputTokens: 8,
    reasoningTokens: 3,
  },
  anthropic: { inputTokens: 13, cachedInputTokens: 3, cacheWriteTokens: 2, outputTokens: 7, reasoningTokens: 0 },
  gemini: { inputTokens: 14, cachedInputTokens: 5, cacheWriteTokens: 0, outputTokens: 9, reasoningTokens: 4 },
};

const OPENAI_USAGE = {
  prompt_tokens: 11,
  completion_tokens: 7,
  total_tokens: 18,
  prompt_tokens_details: { cached_tokens: 3 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

const RESPONSES_USAGE = {
  input_tokens: 12,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 8,
  output_tokens_details: { reasoning_tokens: 3 },
  total_tokens: 20,
};

// Anthropic's input_tokens excludes what the cache read or wrote: 8 + 3 + 2 = 13.
const ANTHROPIC_INPUT = { input_tokens: 8, cache_read_input_tokens: 3, cache_creation_input_tokens: 2 };

// Gemini's candidates exclude thoughts: 5 + 4 = 9.
const GEMINI_USAGE = {
  promptTokenCount: 14,
  cachedContentTokenCount: 5,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 4,
  totalTokenCount: 23,
};

/** The JSON of a whole answer. */
export function wholeAnswer(asked: AskedFor): unknown {
  if (asked.operation === 'embeddings') return embeddingsAnswer(asked);
  if (asked.operation === 'count_tokens')
    return asked.dialect === 'gemini' ? { totalTokens: 14 } : { input_tokens: 13 };
  if (asked.operation === 'models') return { object: 'list', data: [{ id: 'tiny', object: 'model' }] };
  switch (asked.dialect) {
    case 'openai':
      return {
        id: 'chatcmpl-fake',
        object: 'chat.completion',
        created: 1_700_000_000,
        model: asked.model,
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: ANSWER_TEXT, refusal: null },
            logprobs: null,
            finish_reason: 'stop',
          },
        ],
        usage: OPENAI_USAGE,
      };
    case 'openai-responses':
      return responsesObject(asked.model, 'completed');
    case 'anthropic':
      return {
        id: 'msg_fake',
        type: 'message',
        role: 'assistant',
        model: asked.model,
        content: [{ type: 'text', text: ANSWER_TEXT }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: { ...ANTHROPIC_INPUT, output_tokens: 7 },
      };
    case 'gemini':
      return geminiPiece(asked.model, ANSWER_TEXT, true);
  }
}

/** The events of a stream, each in the dialect's own framing. `words` makes the answer longer. */
export function streamEvents(asked: AskedFor, words: readonly string[] = ANSWER_WORDS): readonly string[] {
  switch (asked.dialect) {
    case 'openai':
      return openaiEvents(asked, words);
    case 'openai-responses':
      return responsesEvents(asked.model, words);
    case 'anthropic':
      return anthropicEvents(asked.model, words);
    case 'gemini':
      // Gemini frames with CRLF and has no end marker.
      return words.map(
        (word, i) => `data: ${JSON.stringify(geminiPiece(asked.model, word, i === words.length - 1))}\r\n\r\n`,
      );
  }
}

/** What a vendor says when it refuses, in its own form, with details that must not travel on. */
export function errorAnswer(dialect: ClientDialectName, status: number): unknown {
  const message = `vendor refuses with ${status}`;
  switch (dialect) {
    case 'anthropic':
      return { type: 'error', error: { type: anthropicErrorType(status), message }, request_id: 'req_vendor' };
    case 'gemini':
      return { error: { code: status, message, status: 'UNAVAILABLE', details: [] } };
    case 'openai':
    case 'openai-responses':
      return {
        error: { message, type: 'vendor_error', param: null, code: status === 429 ? 'rate_limit_exceeded' : 'refused' },
      };
  }
}

function anthropicErrorType(status: number): string {
  const types: Readonly<Record<number, string>> = {
    401: 'authentication_error',
    403: 'permission_error',
    429: 'rate_limit_error',
    529: 'overloaded_error',
  };
  return types[status] ?? 'api_error';
}

function embeddingsAnswer(asked: AskedFor): unknown {
  const values = [0.25, -0.5, 1];
  if (asked.dialect === 'gemini') return { embedding: { values }, embeddings: [{ values }] };
  const embedding = asked.base64 ? Buffer.from(new Float32Array(values).buffer).toString('base64') : values;
  return {
    object: 'list',
    model: asked.model,
    data: [{ object: 'embedding', index: 0, embedding }],
    usage: { prompt_tokens: 11, total_tokens: 11 },
  };
}

function openaiEvents(asked: AskedFor, words: readonly string[]): readonly string[] {
  const chunk = (choices: readonly unknown[], usage: unknown): string => {
    const body = {
      id: 'chatcmpl-fake',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: asked.model,
      choices,
    };
    return `data: ${JSON.stringify(asked.includeUsage ? { ...body, usage } : body)}\n\n`;
  };
  const delta = (value: unknown, finishReason: string | null): string =>
    chunk([{ index: 0, delta: value, logprobs: null, finish_reason: finishReason }], null);
  return [
    delta({ role: 'assistant', content: '' }, null),
    ...words.map((word) => delta({ content: word }, null)),
    delta({}, 'stop'),
    ...(asked.includeUsage ? [chunk([], OPENAI_USAGE)] : []),
    'data: [DONE]\n\n',
  ];
}

function responsesObject(model: string, status: 'in_progress' | 'completed'): unknown {
  const done = status === 'completed';
  return {
    id: 'resp_fake',
    object: 'response',
    created_at: 1_700_000_000,
    status,
    model,
    error: null,
    incomplete_details: null,
    output: done
      ? [
          {
            type: 'message',
            id: 'msg_fake',
            status: 'completed',
            role: 'assistant',
            content: [{ type: 'output_text', text: ANSWER_TEXT, annotations: [] }],
          },
        ]
      : [],
    usage: done ? RESPONSES_USAGE : null,
  };
}

function responsesEvents(model: string, words: readonly string[]): readonly string[] {
  const place = { item_id: 'msg_fake', output_index: 0, content_index: 0 };
  const payloads: readonly Readonly<Record<string, unknown>>[] = [
    { type: 'response.created', response: responsesObject(model, 'in_progress') },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { type: 'message', id: 'msg_fake', status: 'in_progress', role: 'assistant', content: [] },
    },
    { type: 'response.content_part.added', ...place, part: { type: 'output_text', text: '', annotations: [] } },
    ...words.map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text: words.join('') },
    { type: 'response.completed', response: responsesObject(model, 'completed') },
  ];
  return payloads.map((payload, i) => named(String(payload['type']), { ...payload, sequence_number: i }));
}

function anthropicEvents(model: string, words: readonly string[]): readonly string[] {
  const start = {
    id: 'msg_fake',
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...ANTHROPIC_INPUT, output_tokens: 1 },
  };
  return [
    named('message_start', { type: 'message_start', message: start }),
    named('content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    named('ping', { type: 'ping' }),
    ...words.map((text) =>
      named('content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
    ),
    named('content_block_stop', { type: 'content_block_stop', index: 0 }),
    named('message_delta', {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: 7 },
    }),
    named('message_stop', { type: 'message_stop' }),
  ];
}

function geminiPiece(model: string, text: string, last: boolean): unknown {
  return {
    candidates: [
      { content: { role: 'model', parts: [{ text }] }, index: 0, ...(last ? { finishReason: 'STOP' } : {}) },
    ],
    modelVersion: model,
    responseId: 'fake',
    usageMetadata: last ? GEMINI_USAGE : { promptTokenCount: 14, totalTokenCount: 14 },
  };
}

function named(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
