import type { Provider } from './provider.ts';

/** https://docs.x.ai/docs/api-reference */
export const xai: Provider = {
  id: 'xai',
  name: 'xAI',
  secretEnv: 'XAI_API_KEY',
  transport: 'http',
  endpoints: {
    openai: {
      baseUrl: 'https://api.x.ai/v1',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      headers: {},
      streamUsage: 'when-asked',
    },
    'openai-responses': {
      baseUrl: 'https://api.x.ai/v1',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      headers: {},
      streamUsage: 'always',
    },
  },
  models: ['grok-4', 'grok-4-fast', 'grok-3-mini'],
};
