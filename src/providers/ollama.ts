import { anthropicAt, openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.ollama.com/api/openai-compatibility; Messages: https://docs.ollama.com/api/anthropic-compatibility */
export const ollama: Provider = {
  id: 'ollama',
  name: 'Ollama',
  secretEnv: null,
  transport: 'http',
  endpoints: {
    openai: openaiAt('http://127.0.0.1:11434/v1'),
    'openai-responses': responsesAt('http://127.0.0.1:11434/v1'),
    anthropic: anthropicAt('http://127.0.0.1:11434'),
  },
  models: [],
};
