import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://api.jina.ai/redoc: embeddings in OpenAI’s form. */
export const jina: Provider = {
  id: 'jina',
  name: 'Jina AI',
  secretEnv: 'JINA_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.jina.ai/v1'),
  },
  models: [],
};
