import type { Provider } from './provider.ts';

/** https://console.groq.com/docs/api-reference */
export const groq: Provider = {
  id: 'groq',
  name: 'Groq',
  secretEnv: 'GROQ_API_KEY',
  transport: 'http',
  endpoints: {
    openai: {
      baseUrl: 'https://api.groq.com/openai/v1',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      headers: {},
      streamUsage: 'when-asked',
    },
  },
  models: ['llama-3.3-70b-versatile', 'llama-3.1-8b-instant', 'openai/gpt-oss-120b', 'openai/gpt-oss-20b'],
};
