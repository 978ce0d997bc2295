import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://help.ovhcloud.com/csm/en-public-cloud-ai-endpoints-getting-started */
export const ovhcloud: Provider = {
  id: 'ovhcloud',
  name: 'OVHcloud AI Endpoints',
  secretEnv: 'OVH_AI_ENDPOINTS_ACCESS_TOKEN',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://oai.endpoints.kepler.ai.cloud.ovh.net/v1'),
  },
  models: [],
};
