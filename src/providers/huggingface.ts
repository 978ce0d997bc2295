import { openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://huggingface.co/docs/inference-providers */
export const huggingface: Provider = {
  id: 'huggingface',
  name: 'Hugging Face',
  secretEnv: 'HF_TOKEN',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://router.huggingface.co/v1'),
    'openai-responses': responsesAt('https://router.huggingface.co/v1'),
  },
  models: [],
};
