import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://platform.baichuan-ai.com/docs/api */
export const baichuan: Provider = {
  id: 'baichuan',
  name: 'Baichuan',
  secretEnv: 'BAICHUAN_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.baichuan-ai.com/v1'),
  },
  models: [],
};
