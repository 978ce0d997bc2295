import { anthropicAt, openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://lmstudio.ai/docs/developer/openai-compat; Messages: https://lmstudio.ai/docs/developer/anthropic-compat */
export const lmstudio: Provider = {
  id: 'lmstudio',
  name: 'LM Studio',
  secretEnv: null,
  transport: 'http',
  endpoints: {
    openai: openaiAt('http://127.0.0.1:1234/v1'),
    'openai-responses': responsesAt('http://127.0.0.1:1234/v1'),
    anthropic: anthropicAt('http://127.0.0.1:1234'),
  },
  models: [],
};
