import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.siliconflow.com/en/api-reference/chat-completions/chat-completions */
export const siliconflow: Provider = {
  id: 'siliconflow',
  name: 'SiliconFlow',
  secretEnv: 'SILICONFLOW_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://{host}/v1'),
  },
  settings: {
    host: {
      what: 'api.siliconflow.com, or api.siliconflow.cn for accounts of mainland China',
      env: 'SILICONFLOW_HOST',
      default: 'api.siliconflow.com',
    },
  },
  models: [],
};
