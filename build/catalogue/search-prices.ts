/**
 * Rerankers that are sold by the search, which no package has a price for. Cohere names its models at
 * https://docs.cohere.com/docs/rerank, and says what a search is at https://cohere.com/pricing.
 */
import type { CatalogueModel, CatalogueModels } from '../../src/providers/catalogue/entry.ts';

interface SearchPrices {
  /** Where the prices were read, and when. */
  readonly source: string;
  readonly date: string;
  readonly models: CatalogueModels;
}

/** By our name of the provider. */
const SEARCH_PRICES: Readonly<Record<string, SearchPrices>> = {
  cohere: {
    // Resold at Cohere's own price: its page names none any more.
    source: 'https://vercel.com/ai-gateway/models/rerank-v4-fast',
    date: '2026-11-28',
    models: {
      'rerank-v3.5': soldBySearch(0.002, 4096),
      'rerank-v4.0-fast': soldBySearch(0.002, 32_768),
      'rerank-v4.0-pro': soldBySearch(0.0025, 32_768),
    },
  },
};

/** The models of a provider, in order, with those that are sold by the search. */
export function withSearchPrices(id: string, models: CatalogueModels): CatalogueModels {
  const all = Object.entries({ ...SEARCH_PRICES[id]?.models, ...models });
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function soldBySearch(perSearchUnit: number, contextTokens: number): CatalogueModel {
  return { kind: 'rerank', contextTokens, price: { input: 0, output: 0, perSearchUnit } };
}
