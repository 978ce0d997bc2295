import { openaiAt } from './endpoints.ts';
import type { Provider } from './provider.ts';

/** https://docs.voyageai.com/reference/embeddings-api: embeddings in OpenAI’s form, reranking in its own. */
export const voyage: Provider = {
  id: 'voyage',
  name: 'Voyage AI',
  secretEnv: 'VOYAGE_API_KEY',
  transport: 'http',
  endpoints: {
    openai: openaiAt('https://api.voyageai.com/v1', { rerankForm: 'voyage' }),
  },
  models: [],
};
