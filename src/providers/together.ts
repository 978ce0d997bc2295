import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.together.ai/docs/openai-api-compatibility */
export const together: Provider = {
  id: 'together',
  name: 'Together AI',
  secretEnv: 'TOGETHER_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.together.xyz/v1'),
  },
  models: [],
};
