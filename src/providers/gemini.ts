import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://ai.google.dev/api */
export const geminiProvider: Provider = {
  id: 'gemini',
  name: 'Google Gemini',
  secretEnv: 'GEMINI_API_KEY',
  transport: 'http',
  endpoints: {
    gemini: {
      baseUrl: 'https://generativelanguage.googleapis.com',
      auth: { header: 'x-goog-api-key', prefix: '' },
      headers: {},
      streamUsage: 'always',
    },
    openai: openaiAt('https://generativelanguage.googleapis.com/v1beta/openai'),
  },
  models: [],
};
