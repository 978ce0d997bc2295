/** One chat call in each dialect, as bytes of HTTP need it, and what an error looks like in each. */
import type { ClientDialectName } from '../src/llm/dialect.ts';

export interface DialectCall {
  readonly dialect: ClientDialectName;
  path(model: string, stream: boolean): string;
  body(model: string, stream: boolean): string;
  /** The public message of an error in this dialect's form; undefined when it has another form. */
  errorMessage(body: unknown): string | undefined;
}

const PROMPT = 'Say hello.';

interface ErrorForm {
  readonly type?: unknown;
  readonly error?: {
    readonly message?: unknown;
    readonly type?: unknown;
    readonly code?: unknown;
    readonly status?: unknown;
  };
}

function messageWhere(body: unknown, holds: (form: ErrorForm) => boolean): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const form: ErrorForm = body;
  const message = form.error?.message;
  return typeof message === 'string' && holds(form) ? message : undefined;
}

function openaiError(body: unknown): string | undefined {
  return messageWhere(body, (form) => typeof form.error?.type === 'string' && 'code' in form.error);
}

/** The dialects by their name. */
export const DIALECT_CALLS: Readonly<Record<ClientDialectName, DialectCall>> = {
  openai: {
    dialect: 'openai',
    path: () => '/v1/chat/completions',
    body: (model, stream) => JSON.stringify({ model, stream, messages: [{ role: 'user', content: PROMPT }] }),
    errorMessage: openaiError,
  },
  'openai-responses': {
    dialect: 'openai-responses',
    path: () => '/v1/responses',
    body: (model, stream) => JSON.stringify({ model, stream, input: PROMPT }),
    errorMessage: openaiError,
  },
  anthropic: {
    dialect: 'anthropic',
    path: () => '/v1/messages',
    body: (model, stream) =>
      JSON.stringify({ model, stream, max_tokens: 64, messages: [{ role: 'user', content: PROMPT }] }),
    errorMessage: (body) => messageWhere(body, (form) => form.type === 'error' && typeof form.error?.type === 'string'),
  },
  gemini: {
    dialect: 'gemini',
    path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: () => JSON.stringify({ contents: [{ role: 'user', parts: [{ text: PROMPT }] }] }),
    errorMessage: (body) =>
      messageWhere(body, (form) => typeof form.error?.code === 'number' && typeof form.error.status === 'string'),
  },
};

/** The provider of each dialect in {@link fakeProvidersConfig}. */
export const FAKE_PROVIDERS: Readonly<Record<ClientDialectName, string>> = {
  openai: 'house',
  'openai-responses': 'house-responses',
  anthropic: 'house-anthropic',
  gemini: 'house-gemini',
};

/** The `providers` part of a config file that points one provider of each dialect to a fake upstream. */
export function fakeProvidersConfig(origin: string, secret: string): string {
  const provider = (dialect: ClientDialectName, prefix: string): string =>
    `  ${FAKE_PROVIDERS[dialect]}: { dialect: ${dialect}, baseUrl: "${origin}${prefix}", credentials: [{ secret: "${secret}" }] }`;
  return [
    'providers:',
    provider('openai', '/v1'),
    provider('openai-responses', '/v1'),
    provider('anthropic', ''),
    provider('gemini', ''),
    '',
  ].join('\n');
}
