import { openaiAt, responsesAt } from './endpoints.ts';
import type { Provider, ProviderAuth } from './provider.ts';

const API_KEY: ProviderAuth = { header: 'api-key', prefix: '' };

/** https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle: the v1 API, without `api-version`; models are named by their deployment. */
export const azure: Provider = {
  id: 'azure',
  name: 'Azure OpenAI',
  secretEnv: 'AZURE_OPENAI_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://{resource}.openai.azure.com/openai/v1', {
      auth: API_KEY,
      maxTokensField: 'max_completion_tokens',
    }),
    'openai-responses': responsesAt('https://{resource}.openai.azure.com/openai/v1', { auth: API_KEY }),
  },
  settings: {
    resource: {
      what: 'the name of the Azure resource, as in https://NAME.openai.azure.com',
      env: 'AZURE_OPENAI_RESOURCE',
      default: null,
    },
  },
  models: [],
};
