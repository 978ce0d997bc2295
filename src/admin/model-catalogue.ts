import { existsSync, renameSync, writeFileSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import { CATALOGUE_BYTES_MAX, isUrl, parseCatalogue, readCatalogueFile } from '../config/catalogue-source.ts';
import type { CatalogueResult } from '../config/catalogue-source.ts';
import { guardedGet } from '../lib/guarded-get.ts';
import { builtInCatalogue, catalogueOf, catalogueOver } from '../providers/catalogue/catalogue.ts';
import type { Catalogue } from '../providers/catalogue/catalogue.ts';
import type { ModelCataloguePort, ModelCatalogueStatus } from './ports.ts';

const FETCH_MS_MAX = 30_000;

export interface ModelCatalogueOptions {
  readonly clock: Clock;
  readonly warn: (sentence: string) => void;
  /** Where what a URL held is kept over restarts; null: nowhere. */
  readonly keptPath: string | null;
  /** Gets what a URL holds; the real one if left out. */
  readonly fetchText?: (url: string) => Promise<{ readonly text: string } | { readonly problem: string }>;
}

/**
 * What is known of models: the catalogue that the product ships, and over it the operator's own. A
 * file is read when it is named, a URL only when somebody asks for it, and then kept: a start never
 * waits for a network. What cannot be used changes nothing.
 */
export class ModelCatalogue implements ModelCataloguePort {
  readonly #options: ModelCatalogueOptions;
  #source: string | null = null;
  #catalogue: Catalogue = builtInCatalogue;
  #status: ModelCatalogueStatus = statusOf(null, 'built-in');
  #refreshing: Promise<ModelCatalogueStatus> | null = null;

  constructor(options: ModelCatalogueOptions) {
    this.#options = options;
  }

  readonly models: Catalogue = (providerId) => this.#catalogue(providerId);

  status(): ModelCatalogueStatus {
    return this.#status;
  }

  /** Takes what the configuration names; the same source as before is left as it is. */
  follow(source: string | null): void {
    if (source === this.#source) return;
    this.#source = source;
    this.#status = statusOf(source, source === null ? 'built-in' : 'not-read');
    if (source === null) {
      this.#catalogue = builtInCatalogue;
      return;
    }
    const result = isUrl(source) ? this.#readKept(source) : readCatalogueFile(source);
    if (result !== null) this.#take(source, result);
    else this.#options.warn(`The catalogue at ${source} was not read yet: run \`keyward catalogue refresh\`.`);
  }

  refresh(): Promise<ModelCatalogueStatus> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #read(): Promise<ModelCatalogueStatus> {
    const source = this.#source;
    if (source === null) return this.#status;
    const result = isUrl(source) ? await this.#download(source) : readCatalogueFile(source);
    // The configuration may name another one by now.
    if (source === this.#source) this.#take(source, result);
    return this.#status;
  }

  async #download(url: string): Promise<CatalogueResult> {
    const got = await (this.#options.fetchText ?? fetchText)(url);
    if ('text' in got) {
      const result = parseCatalogue(got.text);
      if (result.ok) this.#keep(url, result.providers);
      return result;
    }
    return { ok: false, problem: `The URL of the catalogue ${got.problem}.` };
  }

  #keep(source: string, providers: object): void {
    const { keptPath } = this.#options;
    if (keptPath === null) return;
    try {
      writeFileSync(`${keptPath}.new`, JSON.stringify({ source, providers }), { mode: 0o600 });
      renameSync(`${keptPath}.new`, keptPath);
    } catch {
      // It is in use all the same, until the next start.
      this.#options.warn('The catalogue could not be kept in the data folder: refresh it after the next start.');
    }
  }

  /** Null where nothing of this URL was kept. */
  #readKept(source: string): CatalogueResult | null {
    const { keptPath } = this.#options;
    if (keptPath === null || !existsSync(keptPath)) return null;
    const kept = readCatalogueFile(keptPath);
    return kept.ok && kept.source !== source ? null : kept;
  }

  #take(source: string, result: CatalogueResult): void {
    if (!result.ok) {
      this.#status = { ...this.#status, source, state: 'rejected', error: result.problem };
      this.#options.warn(`${result.problem} What was in use before stays in use.`);
      return;
    }
    this.#catalogue = catalogueOver(catalogueOf(result.providers), builtInCatalogue);
    this.#status = {
      ...statusOf(source, 'applied'),
      appliedAtMs: this.#options.clock.now(),
      models: Object.values(result.providers).reduce((sum, models) => sum + Object.keys(models).length, 0),
    };
  }
}

function statusOf(source: string | null, state: ModelCatalogueStatus['state']): ModelCatalogueStatus {
  return { source, state, appliedAtMs: null, error: null, models: 0 };
}

/** The operator named the URL: it may lead into their own network. */
async function fetchText(url: string): Promise<{ readonly text: string } | { readonly problem: string }> {
  const got = await guardedGet({
    url,
    allowPrivate: true,
    bytesMax: CATALOGUE_BYTES_MAX,
    timeoutMs: FETCH_MS_MAX,
    signal: new AbortController().signal,
  });
  return got.ok ? { text: got.bytes.toString('utf8') } : { problem: got.problem };
}
