import { anthropicAt, openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions */
export const vercel: Provider = {
  id: 'vercel',
  name: 'Vercel AI Gateway',
  secretEnv: 'AI_GATEWAY_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://ai-gateway.vercel.sh/v1'),
    'openai-responses': responsesAt('https://ai-gateway.vercel.sh/v1'),
    anthropic: anthropicAt('https://ai-gateway.vercel.sh'),
  },
  models: [],
};
