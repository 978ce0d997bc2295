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
    openai: {
      baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      headers: {},
      streamUsage: 'when-asked',
    },
  },
  models: [
    'gemini-3-pro-preview',
    'gemini-2.5-pro',
    'gemini-2.5-flash',
    'gemini-2.5-flash-lite',
    'gemini-embedding-001',
  ],
};
