import { openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/ */
export const cloudflare: Provider = {
  id: 'cloudflare',
  name: 'Cloudflare Workers AI',
  secretEnv: 'CLOUDFLARE_API_TOKEN',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1'),
    'openai-responses': responsesAt('https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1'),
  },
  settings: {
    account: { what: 'the id of the Cloudflare account', env: 'CLOUDFLARE_ACCOUNT_ID', default: null },
  },
  models: [],
};
