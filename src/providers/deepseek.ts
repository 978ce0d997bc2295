import { anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://api-docs.deepseek.com */
export const deepseek: Provider = {
  id: 'deepseek',
  name: 'DeepSeek',
  secretEnv: 'DEEPSEEK_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.deepseek.com/v1', { reasoningBack: 'reasoning_content' }),
    anthropic: anthropicAt('https://api.deepseek.com/anthropic'),
  },
  models: [],
};
