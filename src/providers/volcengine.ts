import { openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://www.volcengine.com/docs/82379/1330626 */
export const volcengine: Provider = {
  id: 'volcengine',
  name: 'Volcengine Ark',
  secretEnv: 'ARK_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://ark.{region}.volces.com/api/v3'),
    'openai-responses': responsesAt('https://ark.{region}.volces.com/api/v3'),
  },
  settings: {
    region: { what: 'the region of Volcengine', env: 'VOLCENGINE_REGION', default: 'cn-beijing' },
  },
  models: [],
};
