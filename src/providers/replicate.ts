import { BEARER } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://replicate.com/docs/reference/http: its language models, as `owner/name` or `owner/name:version`. */
export const replicate: Provider = {
  id: 'replicate',
  name: 'Replicate',
  secretEnv: 'REPLICATE_API_TOKEN',
  transport: 'http',
  endpoints: {
    replicate: { baseUrl: 'https://api.replicate.com/v1', auth: BEARER, headers: {}, streamUsage: 'always' },
  },
  models: [],
};
