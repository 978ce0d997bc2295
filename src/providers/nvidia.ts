import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.api.nvidia.com/nim/reference/llm-apis */
export const nvidia: Provider = {
  id: 'nvidia',
  name: 'NVIDIA',
  secretEnv: 'NVIDIA_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://integrate.api.nvidia.com/v1'),
  },
  models: [],
};
