import { anthropicAt, openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.fireworks.ai/tools-sdks/openai-compatibility; it names models `accounts/fireworks/models/…`. */
export const fireworks: Provider = {
  id: 'fireworks',
  name: 'Fireworks AI',
  secretEnv: 'FIREWORKS_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.fireworks.ai/inference/v1'),
    'openai-responses': responsesAt('https://api.fireworks.ai/inference/v1'),
    anthropic: anthropicAt('https://api.fireworks.ai/inference'),
  },
  models: [],
};
