import type { Provider } from './provider.ts';

/** https://platform.openai.com/docs/api-reference */
export const openaiProvider: Provider = {
  id: 'openai',
  name: 'OpenAI',
  secretEnv: 'OPENAI_API_KEY',
  transport: 'http',
  endpoints: {
    openai: {
      baseUrl: 'https://api.openai.com/v1',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      headers: {},
      streamUsage: 'when-asked',
    },
    'openai-responses': {
      baseUrl: 'https://api.openai.com/v1',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      headers: {},
      streamUsage: 'always',
    },
  },
  models: [
    'gpt-5.1',
    'gpt-5',
    'gpt-5-mini',
    'gpt-5-nano',
    'gpt-4.1',
    'gpt-4.1-mini',
    'gpt-4o',
    'gpt-4o-mini',
    'text-embedding-3-large',
    'text-embedding-3-small',
  ],
};
