import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://www.tencentcloud.com/document/product/1300/78942 */
export const tencent: Provider = {
  id: 'tencent',
  name: 'Tencent TokenHub',
  secretEnv: 'TOKENHUB_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://{host}/v1'),
  },
  settings: {
    host: {
      what: 'tokenhub-intl.tencentcloudmaas.com, or tokenhub.tencentcloudmaas.com for accounts of mainland China',
      env: 'TOKENHUB_HOST',
      default: 'tokenhub-intl.tencentcloudmaas.com',
    },
  },
  models: [],
};
