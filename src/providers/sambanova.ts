import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.sambanova.ai/docs/en/features/openai-compatibility */
export const sambanova: Provider = {
  id: 'sambanova',
  name: 'SambaNova',
  secretEnv: 'SAMBANOVA_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.sambanova.ai/v1'),
  },
  models: [],
};
