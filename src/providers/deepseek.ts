import type { Provider } from './provider.ts';

/** https://api-docs.deepseek.com */
export const deepseek: Provider = {
  id: 'deepseek',
  name: 'DeepSeek',
  secretEnv: 'DEEPSEEK_API_KEY',
  transport: 'http',
  endpoints: {
    openai: {
      baseUrl: 'https://api.deepseek.com/v1',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      headers: {},
      streamUsage: 'when-asked',
    },
    anthropic: {
      baseUrl: 'https://api.deepseek.com/anthropic',
      auth: { header: 'x-api-key', prefix: '' },
      headers: { 'anthropic-version': '2023-06-01' },
      streamUsage: 'always',
    },
  },
  models: ['deepseek-chat', 'deepseek-reasoner'],
};
