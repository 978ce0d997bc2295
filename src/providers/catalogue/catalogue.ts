/** What is known of models without asking anybody: limits, abilities and prices. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UNKNOWN_TRAITS } from '../../llm/model-traits.ts';
import type { ModelTraits } from '../../llm/model-traits.ts';
import type { CatalogueMade, CatalogueModel, CatalogueModels } from './entry.ts';

/** Of a catalogue, what a provider's models are. */
export type Catalogue = (providerId: string) => CatalogueModels;

const NO_MODELS: CatalogueModels = {};
const read = new Map<string, CatalogueModels>();
let providersMade: ReadonlySet<string> | null = null;

/**
 * The catalogue that the product ships, made by `npm run generate:catalogue`. A provider's file is
 * read when it is first asked for: reading all would lengthen the start.
 */
export function builtInCatalogue(providerId: string): CatalogueModels {
  providersMade ??= new Set((readJson('made.json') as CatalogueMade).providers);
  if (!providersMade.has(providerId)) return NO_MODELS;
  let models = read.get(providerId);
  if (models === undefined) {
    models = readJson(join('models', `${providerId}.json`)) as CatalogueModels;
    read.set(providerId, models);
  }
  return models;
}

/** A catalogue of what is in memory: models by provider. */
export function catalogueOf(providers: Readonly<Record<string, CatalogueModels>>): Catalogue {
  return (providerId) => (Object.hasOwn(providers, providerId) ? (providers[providerId] ?? NO_MODELS) : NO_MODELS);
}

/** Two catalogues as one: what the first says of a model stands in for what the second does. */
export function catalogueOver(first: Catalogue, second: Catalogue): Catalogue {
  return (providerId) => ({ ...second(providerId), ...first(providerId) });
}

/** The names that are shown in lists. */
export function listedNames(models: CatalogueModels): readonly string[] {
  return Object.entries(models).flatMap(([name, { listed }]) => (listed === false ? [] : [name]));
}

/** What decides how a request is written; null where nothing of it is known. */
export function traitsOf(model: CatalogueModel): ModelTraits | null {
  const { kind: _kind, price: _price, listed: _listed, ...traits } = model;
  const known = Object.entries(traits).filter(([, value]) => value !== undefined);
  return known.length === 0 ? null : { ...UNKNOWN_TRAITS, ...Object.fromEntries(known) };
}

/** Our own files, checked by a test: checking them at every start would take longer than reading them. */
function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8'));
}
