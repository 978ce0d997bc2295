import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.sglang.ai/basic_usage/openai_api.html */
export const sglang: Provider = {
  id: 'sglang',
  name: 'SGLang',
  secretEnv: null,
  transport: 'http',
  endpoints: {
    openai: openaiAt('http://127.0.0.1:30000/v1'),
  },
  models: [],
};
