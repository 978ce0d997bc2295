import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://platform.stepfun.com/docs/overview/concept */
export const stepfun: Provider = {
  id: 'stepfun',
  name: 'StepFun',
  secretEnv: 'STEPFUN_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://{host}/v1'),
  },
  settings: {
    host: {
      what: 'api.stepfun.ai, or api.stepfun.com for accounts of mainland China',
      env: 'STEPFUN_HOST',
      default: 'api.stepfun.ai',
    },
  },
  models: [],
};
