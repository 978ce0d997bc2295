import { BEARER, anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://platform.xiaomimimo.com/docs/en-US/api/chat/anthropic-api */
export const xiaomi: Provider = {
  id: 'xiaomi',
  name: 'Xiaomi MiMo',
  secretEnv: 'XIAOMI_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.xiaomimimo.com/v1'),
    anthropic: anthropicAt('https://api.xiaomimimo.com/anthropic', { auth: BEARER }),
  },
  models: [],
};
