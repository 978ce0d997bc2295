import { anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.bigmodel.cn/cn/api/introduction: GLM, for accounts of mainland China. */
export const zhipu: Provider = {
  id: 'zhipu',
  name: 'Zhipu AI',
  secretEnv: 'ZHIPUAI_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://open.bigmodel.cn/api/paas/v4'),
    anthropic: anthropicAt('https://open.bigmodel.cn/api/anthropic'),
  },
  models: [],
};
