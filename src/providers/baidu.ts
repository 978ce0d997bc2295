import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb */
export const baidu: Provider = {
  id: 'baidu',
  name: 'Baidu Qianfan',
  secretEnv: 'QIANFAN_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://qianfan.baidubce.com/v2'),
  },
  models: [],
};
