import { BEARER, anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://platform.moonshot.ai/docs/api/chat */
export const moonshot: Provider = {
  id: 'moonshot',
  name: 'Moonshot AI',
  secretEnv: 'MOONSHOT_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://{host}/v1', { reasoningBack: 'reasoning_content' }),
    anthropic: anthropicAt('https://{host}/anthropic', { auth: BEARER }),
  },
  settings: {
    host: {
      what: 'api.moonshot.ai, or api.moonshot.cn for accounts of mainland China',
      env: 'MOONSHOT_HOST',
      default: 'api.moonshot.ai',
    },
  },
  models: [],
};
