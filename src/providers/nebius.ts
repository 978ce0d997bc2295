import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.tokenfactory.nebius.com */
export const nebius: Provider = {
  id: 'nebius',
  name: 'Nebius Token Factory',
  secretEnv: 'NEBIUS_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.tokenfactory.nebius.com/v1'),
  },
  models: [],
};
