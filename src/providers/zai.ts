import { anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.z.ai/api-reference/introduction: GLM, for accounts outside of mainland China. */
export const zai: Provider = {
  id: 'zai',
  name: 'Z.ai',
  secretEnv: 'ZAI_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.z.ai/api/paas/v4'),
    anthropic: anthropicAt('https://api.z.ai/api/anthropic'),
  },
  models: [],
};
