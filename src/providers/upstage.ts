import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://console.upstage.ai/docs/capabilities/generate/chat */
export const upstage: Provider = {
  id: 'upstage',
  name: 'Upstage',
  secretEnv: 'UPSTAGE_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.upstage.ai/v1'),
  },
  models: [],
};
