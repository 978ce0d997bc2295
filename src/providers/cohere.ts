import { BEARER, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.cohere.com/reference/chat, and https://docs.cohere.com/docs/compatibility-api for OpenAI's dialect. */
export const cohere: Provider = {
  id: 'cohere',
  name: 'Cohere',
  secretEnv: 'COHERE_API_KEY',
  transport: 'http',
  endpoints: {
    cohere: { baseUrl: 'https://api.cohere.com', auth: BEARER, headers: {}, streamUsage: 'always' },
    openai: openaiAt('https://api.cohere.com/compatibility/v1'),
  },
  models: [],
};
