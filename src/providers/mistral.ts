import { BEARER, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.mistral.ai/api; it refuses `stream_options` and tells usage in every stream. */
export const mistral: Provider = {
  id: 'mistral',
  name: 'Mistral',
  secretEnv: 'MISTRAL_API_KEY',
  transport: 'http',
  endpoints: {
    mistral: { baseUrl: 'https://api.mistral.ai/v1', auth: BEARER, headers: {}, streamUsage: 'always' },
    openai: openaiAt('https://api.mistral.ai/v1', { streamUsage: 'always' }),
  },
  models: [],
};
