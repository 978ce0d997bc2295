import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.hyperbolic.ai/inference/text-apis */
export const hyperbolic: Provider = {
  id: 'hyperbolic',
  name: 'Hyperbolic',
  secretEnv: 'HYPERBOLIC_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.hyperbolic.xyz/v1'),
  },
  models: [],
};
