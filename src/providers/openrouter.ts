import { BEARER, anthropicAt, openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://openrouter.ai/docs/api-reference/overview; Messages: https://openrouter.ai/docs/api/api-reference/anthropic-messages/create-a-message, with a bearer token. */
export const openrouter: Provider = {
  id: 'openrouter',
  name: 'OpenRouter',
  secretEnv: 'OPENROUTER_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://openrouter.ai/api/v1', { reasoningBack: 'reasoning_details' }),
    'openai-responses': responsesAt('https://openrouter.ai/api/v1'),
    anthropic: anthropicAt('https://openrouter.ai/api', { auth: BEARER }),
  },
  models: ['openrouter/auto'],
};
