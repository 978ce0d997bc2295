import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.ai21.com/reference/jamba-1-6-api-ref; a stream tells usage in its last chunk. */
export const ai21: Provider = {
  id: 'ai21',
  name: 'AI21 Labs',
  secretEnv: 'AI21_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.ai21.com/studio/v1', { streamUsage: 'always' }),
  },
  models: [],
};
