/**
 * Makes src/providers/catalogue/models/ out of published packages: `npm run generate:catalogue`.
 * Run it when their versions are raised in build/catalogue/packages.ts, and look at what changed.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CatalogueMade, CatalogueModels } from '../src/providers/catalogue/entry.ts';
import { modelsOf } from './catalogue/merge.ts';
import { readAbilities, readModels } from './catalogue/model-lists.ts';
import { withPackages } from './catalogue/packages.ts';
import { readPriceHistory } from './catalogue/price-history.ts';
import { withSearchPrices } from './catalogue/search-prices.ts';
import { VENDORS } from './catalogue/vendors.ts';

const folder = join(import.meta.dirname, '..', 'src', 'providers', 'catalogue', 'models');

await withPackages(async (packages) => {
  const sources = {
    prices: await readPriceHistory(packages.prices),
    models: readModels(packages.models),
    abilities: readAbilities(packages.abilities),
  };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [id, vendor] of Object.entries(VENDORS)) {
    writeFileSync(join(folder, `${id}.json`), text(withSearchPrices(id, modelsOf(vendor, sources))));
  }
  const made: CatalogueMade = { date: new Date().toISOString().slice(0, 10), providers: Object.keys(VENDORS).sort() };
  writeFileSync(join(folder, '..', 'made.json'), `${JSON.stringify(made)}\n`);
});

/** A line for every model, so that a change can be read. */
function text(models: CatalogueModels): string {
  const lines = Object.entries(models).map(([name, model]) => `${JSON.stringify(name)}:${JSON.stringify(model)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}
