import { openaiAt, responsesAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/**
 * https://docs.perplexity.ai/guides/chat-completions-guide; Responses:
 * https://docs.perplexity.ai/docs/agent-api/openai-compatibility. Every chunk of a stream tells the usage so far.
 */
export const perplexity: Provider = {
  id: 'perplexity',
  name: 'Perplexity',
  secretEnv: 'PERPLEXITY_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.perplexity.ai', { streamUsage: 'always' }),
    'openai-responses': responsesAt('https://api.perplexity.ai/v1'),
  },
  models: [],
};
