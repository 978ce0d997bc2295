import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.ollama.com/cloud */
export const ollamaCloud: Provider = {
  id: 'ollama-cloud',
  name: 'Ollama Cloud',
  secretEnv: 'OLLAMA_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://ollama.com/v1'),
  },
  models: [],
};
