import type { Provider } from './provider.ts';

/** https://docs.claude.com/en/api/overview */
export const anthropicProvider: Provider = {
  id: 'anthropic',
  name: 'Anthropic',
  secretEnv: 'ANTHROPIC_API_KEY',
  transport: 'http',
  endpoints: {
    anthropic: {
      baseUrl: 'https://api.anthropic.com',
      auth: { header: 'x-api-key', prefix: '' },
      headers: { 'anthropic-version': '2023-06-01' },
      streamUsage: 'always',
    },
  },
  models: ['claude-opus-4-5', 'claude-sonnet-4-5', 'claude-haiku-4-5'],
};
