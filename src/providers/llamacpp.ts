import { anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://github.com/ggml-org/llama.cpp/tree/master/tools/server */
export const llamacpp: Provider = {
  id: 'llamacpp',
  name: 'llama.cpp',
  secretEnv: null,
  transport: 'http',
  endpoints: {
    openai: openaiAt('http://127.0.0.1:8080/v1'),
    anthropic: anthropicAt('http://127.0.0.1:8080'),
  },
  models: [],
};
