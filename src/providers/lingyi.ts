import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://platform.lingyiwanwu.com/docs/api-reference */
export const lingyi: Provider = {
  id: 'lingyi',
  name: '01.AI',
  secretEnv: 'LINGYI_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.lingyiwanwu.com/v1'),
  },
  models: [],
};
