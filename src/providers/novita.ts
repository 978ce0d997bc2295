import { BEARER, anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://novita.ai/docs/guides/llm-api */
export const novita: Provider = {
  id: 'novita',
  name: 'Novita AI',
  secretEnv: 'NOVITA_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.novita.ai/openai/v1'),
    anthropic: anthropicAt('https://api.novita.ai/anthropic', { auth: BEARER }),
  },
  models: [],
};
