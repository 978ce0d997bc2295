import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.wandb.ai/inference/api-reference */
export const wandb: Provider = {
  id: 'wandb',
  name: 'Weights & Biases Inference',
  secretEnv: 'WANDB_INFERENCE_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.inference.wandb.ai/v1'),
  },
  models: [],
};
