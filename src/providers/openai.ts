import { openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://platform.openai.com/docs/api-reference */
export const openaiProvider: Provider = {
  id: 'openai',
  name: 'OpenAI',
  secretEnv: 'OPENAI_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.openai.com/v1', { maxTokensField: 'max_completion_tokens' }),
    'openai-responses': responsesAt('https://api.openai.com/v1'),
  },
  models: [],
};
