import { BEARER } from './endpoints.ts';
import type { Provider } from './provider.ts';

/**
 * https://docs.mistral.ai/api. Near to OpenAI's dialect, but ids of calls, reasoning in lists and some fields
 * differ: clients of OpenAI are translated.
 */
export const mistral: Provider = {
  id: 'mistral',
  name: 'Mistral',
  secretEnv: 'MISTRAL_API_KEY',
  transport: 'http',
  endpoints: {
    mistral: { baseUrl: 'https://api.mistral.ai/v1', auth: BEARER, headers: {}, streamUsage: 'always' },
  },
  models: [],
};
