import { anthropicAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry; models are named by their deployment. */
export const azureAnthropic: Provider = {
  id: 'azure-anthropic',
  name: 'Claude on Azure',
  secretEnv: 'AZURE_ANTHROPIC_API_KEY',
  transport: 'http',
  endpoints: {
    anthropic: anthropicAt('https://{resource}.services.ai.azure.com/anthropic'),
  },
  settings: {
    resource: {
      what: 'the name of the Foundry resource, as in https://NAME.services.ai.azure.com',
      env: 'AZURE_ANTHROPIC_RESOURCE',
      default: null,
    },
  },
  models: [],
};
