import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.github.com/en/rest/models/inference */
export const githubModels: Provider = {
  id: 'github-models',
  name: 'GitHub Models',
  secretEnv: 'GITHUB_MODELS_TOKEN',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://models.github.ai/inference'),
  },
  models: [],
};
