import type { Provider } from './provider.ts';

/** https://docs.mistral.ai/api; it refuses `stream_options` and tells usage in every stream. */
export const mistral: Provider = {
  id: 'mistral',
  name: 'Mistral',
  secretEnv: 'MISTRAL_API_KEY',
  transport: 'http',
  endpoints: {
    openai: {
      baseUrl: 'https://api.mistral.ai/v1',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      headers: {},
      streamUsage: 'always',
    },
  },
  models: [
    'mistral-large-latest',
    'mistral-medium-latest',
    'mistral-small-latest',
    'codestral-latest',
    'mistral-embed',
  ],
};
