import { openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://console.groq.com/docs/api-reference */
export const groq: Provider = {
  id: 'groq',
  name: 'Groq',
  secretEnv: 'GROQ_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.groq.com/openai/v1'),
    'openai-responses': responsesAt('https://api.groq.com/openai/v1'),
  },
  models: [],
};
