import { BEARER, anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.baseten.co/development/model-apis/overview */
export const baseten: Provider = {
  id: 'baseten',
  name: 'Baseten',
  secretEnv: 'BASETEN_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://inference.baseten.co/v1'),
    anthropic: anthropicAt('https://inference.baseten.co', { auth: BEARER }),
  },
  models: [],
};
