import { anthropicAt, openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope; Messages: https://www.alibabacloud.com/help/doc-detail/2980295.html */
export const qwen: Provider = {
  id: 'qwen',
  name: 'Qwen (Alibaba Model Studio)',
  secretEnv: 'DASHSCOPE_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://{host}/compatible-mode/v1'),
    anthropic: anthropicAt('https://{host}/apps/anthropic'),
  },
  settings: {
    host: {
      what: 'dashscope-intl.aliyuncs.com, or dashscope.aliyuncs.com for accounts of mainland China',
      env: 'DASHSCOPE_HOST',
      default: 'dashscope-intl.aliyuncs.com',
    },
  },
  models: [],
};
