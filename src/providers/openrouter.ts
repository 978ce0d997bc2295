import type { Provider } from './provider.ts';

/** https://openrouter.ai/docs/api-reference/overview */
export const openrouter: Provider = {
  id: 'openrouter',
  name: 'OpenRouter',
  secretEnv: 'OPENROUTER_API_KEY',
  transport: 'http',
  endpoints: {
    openai: {
      baseUrl: 'https://openrouter.ai/api/v1',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      headers: {},
      streamUsage: 'when-asked',
    },
  },
  models: ['openrouter/auto'],
};
