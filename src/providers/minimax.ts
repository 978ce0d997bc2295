import { anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://platform.minimax.io/docs/api-reference/text-anthropic-api */
export const minimax: Provider = {
  id: 'minimax',
  name: 'MiniMax',
  secretEnv: 'MINIMAX_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://{host}/v1'),
    anthropic: anthropicAt('https://{host}/anthropic'),
  },
  settings: {
    host: {
      what: 'api.minimax.io, or api.minimaxi.com for accounts of mainland China',
      env: 'MINIMAX_HOST',
      default: 'api.minimax.io',
    },
  },
  models: [],
};
