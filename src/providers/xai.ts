import { openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.x.ai/docs/api-reference */
export const xai: Provider = {
  id: 'xai',
  name: 'xAI',
  secretEnv: 'XAI_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.x.ai/v1'),
    'openai-responses': responsesAt('https://api.x.ai/v1'),
  },
  models: [],
};
