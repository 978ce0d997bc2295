import { anthropicAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.claude.com/en/api/overview */
export const anthropicProvider: Provider = {
  id: 'anthropic',
  name: 'Anthropic',
  secretEnv: 'ANTHROPIC_API_KEY',
  transport: 'http',
  endpoints: {
    anthropic: anthropicAt('https://api.anthropic.com'),
  },
  models: [],
};
