import { BEARER, anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://deepinfra.com/docs/openai_api */
export const deepinfra: Provider = {
  id: 'deepinfra',
  name: 'DeepInfra',
  secretEnv: 'DEEPINFRA_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.deepinfra.com/v1/openai'),
    anthropic: anthropicAt('https://api.deepinfra.com/anthropic', { auth: BEARER }),
  },
  models: [],
};
