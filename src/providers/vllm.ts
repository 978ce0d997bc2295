import { BEARER, anthropicAt, openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html */
export const vllm: Provider = {
  id: 'vllm',
  name: 'vLLM',
  secretEnv: null,
  transport: 'http',
  endpoints: {
    openai: openaiAt('http://127.0.0.1:8000/v1'),
    'openai-responses': responsesAt('http://127.0.0.1:8000/v1'),
    anthropic: anthropicAt('http://127.0.0.1:8000', { auth: BEARER }),
  },
  models: [],
};
