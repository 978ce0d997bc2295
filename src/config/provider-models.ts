/** What is known of a provider's models: which there are, what they cost, and what they can do. */
import type { ModelTraits } from '../llm/model-traits.ts';
import { priceAt } from '../llm/price.ts';
import type { Price } from '../llm/price.ts';
import { priceOf } from '../llm/stated-price.ts';
import type { StatedPrice } from '../llm/stated-price.ts';
import { listedNames, traitsOf } from '../providers/catalogue/catalogue.ts';
import type { Catalogue } from '../providers/catalogue/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import type { ProviderConfig } from './schema.ts';
import type { ProviderSnapshot } from './snapshot.ts';

export interface ModelSources {
  readonly id: string;
  readonly entry: ProviderConfig | null;
  readonly row: { readonly models: readonly string[] } | null;
  readonly catalogue: Catalogue;
  /** Unix milliseconds: prices that are past are left out. */
  readonly nowMs: number;
}

type KnownModels = Pick<ProviderSnapshot, 'models' | 'prices' | 'traits'>;

/**
 * The models that an operator lists, else those of the catalogue, else the provider's own. Prices
 * and traits are kept of all that the catalogue knows, because models that are not listed can be
 * called all the same; an operator's own price stands over it.
 */
export function knownModels(sources: ModelSources, builtIn: Pick<Provider, 'models' | 'prices'> | null): KnownModels {
  const catalogued = sources.catalogue(sources.id);
  const listed = listedNames(catalogued);
  return {
    models: operatorsModels(sources) ?? (listed.length > 0 ? listed : (builtIn?.models ?? [])),
    prices: Object.fromEntries([
      ...pricesAt(Object.entries(builtIn?.prices ?? {}), sources.nowMs),
      ...pricesAt(
        Object.entries(catalogued).flatMap(([name, { price }]) =>
          price === undefined ? [] : [[name, price] as const],
        ),
        sources.nowMs,
      ),
      ...pricesAt(operatorsPrices(sources.entry), sources.nowMs),
    ]),
    traits: Object.fromEntries(
      Object.entries(catalogued).flatMap(([name, model]): readonly (readonly [string, ModelTraits])[] => {
        const traits = traitsOf(model);
        return traits === null ? [] : [[name, traits]];
      }),
    ),
  };
}

/** Models that were listed for this provider; null where none were. */
function operatorsModels({ entry, row }: ModelSources): readonly string[] | null {
  if (entry?.models !== undefined) return entry.models.map((model) => (typeof model === 'string' ? model : model.id));
  return row === null || row.models.length === 0 ? null : row.models;
}

/** What the operator's file states of prices. */
function operatorsPrices(entry: ProviderConfig | null): readonly (readonly [string, StatedPrice])[] {
  return (entry?.models ?? []).flatMap((model) =>
    typeof model === 'string' || model.price === undefined ? [] : [[model.id, model.price] as const],
  );
}

function pricesAt(
  stated: readonly (readonly [string, StatedPrice])[],
  nowMs: number,
): readonly (readonly [string, Price])[] {
  return stated.map(([name, price]) => [name, priceAt(priceOf(price), nowMs)]);
}
