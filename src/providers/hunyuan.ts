import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://cloud.tencent.com/document/product/1729/111007 */
export const hunyuan: Provider = {
  id: 'hunyuan',
  name: 'Tencent Hunyuan',
  secretEnv: 'HUNYUAN_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.hunyuan.cloud.tencent.com/v1'),
  },
  models: [],
};
