import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://inference-docs.cerebras.ai/resources/openai */
export const cerebras: Provider = {
  id: 'cerebras',
  name: 'Cerebras',
  secretEnv: 'CEREBRAS_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.cerebras.ai/v1'),
  },
  models: [],
};
