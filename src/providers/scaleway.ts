import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://www.scaleway.com/en/docs/generative-apis/api-cli/using-generative-apis/ */
export const scaleway: Provider = {
  id: 'scaleway',
  name: 'Scaleway Generative APIs',
  secretEnv: 'SCALEWAY_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.scaleway.ai/v1'),
  },
  models: [],
};
