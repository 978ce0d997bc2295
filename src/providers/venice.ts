import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.venice.ai/api-reference/api-spec */
export const venice: Provider = {
  id: 'venice',
  name: 'Venice',
  secretEnv: 'VENICE_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.venice.ai/api/v1'),
  },
  models: [],
};
