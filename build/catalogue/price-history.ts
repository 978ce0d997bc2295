/** Reads prices out of @pydantic/genai-prices. */
import { join } from 'node:path';
import type { StatedChange, StatedPrice, StatedTerms } from '../../src/llm/stated-price.ts';

interface PricedModel {
  readonly id: string;
  readonly match: Match;
  readonly context_window?: number;
  readonly deprecated?: boolean;
  readonly prices: Terms | readonly Conditional[];
}

interface Match {
  readonly equals?: string;
  readonly or?: readonly Match[];
}

type Terms = Readonly<Record<string, number | Tiered | undefined>>;

interface Tiered {
  readonly base: number;
  readonly tiers: readonly { readonly start: number; readonly price: number }[];
}

interface Conditional {
  readonly constraint?:
    | { readonly type: 'start_date'; readonly start_date: string }
    | { readonly type: 'time_of_date'; readonly start_time: string; readonly end_time: string };
  readonly prices: Terms;
}

interface PricePackage {
  findProvider(options: { readonly providerId: string }): { readonly models: readonly PricedModel[] } | undefined;
  calcPrice(
    usage: Readonly<Record<string, number>>,
    modelId: string,
    options: { readonly providerId: string },
  ): { readonly model: PricedModel } | null;
}

export interface KnownPrice {
  readonly id: string;
  /** Other names for the same, such as dated ones. */
  readonly names: readonly string[];
  readonly contextTokens: number | null;
  readonly deprecated: boolean;
  readonly price: StatedPrice | null;
}

export interface PriceHistory {
  /** Every model of a vendor. */
  all(vendor: string): readonly KnownPrice[];
  /** The model that a vendor's name for one means: also a dated one. */
  find(vendor: string, model: string): KnownPrice | null;
}

export async function readPriceHistory(folder: string): Promise<PriceHistory> {
  const source = (await import(join(folder, 'dist', 'index.js'))) as PricePackage;
  return {
    all: (vendor) => (source.findProvider({ providerId: vendor })?.models ?? []).map(known),
    find: (vendor, model) => {
      const found = source.calcPrice({ input_tokens: 1 }, model, { providerId: vendor });
      return found === null ? null : known(found.model);
    },
  };
}

function known({ id, match, context_window: contextTokens, deprecated, prices }: PricedModel): KnownPrice {
  return {
    id,
    names: namesIn(match),
    contextTokens: contextTokens ?? null,
    deprecated: deprecated === true,
    price: priceOf(prices),
  };
}

function namesIn({ equals, or = [] }: Match): readonly string[] {
  return [...(equals === undefined ? [] : [equals]), ...or.flatMap(namesIn)];
}

/** The first entry has no constraint, and of those that hold the last one counts: as with our changes. */
function priceOf(prices: PricedModel['prices']): StatedPrice | null {
  const entries: readonly Conditional[] = isList(prices) ? prices : [{ prices }];
  const [first, ...others] = entries;
  const terms = first === undefined ? null : termsOf(first.prices);
  if (terms === null) return null;
  const changes = others.flatMap((entry) => {
    const changed = termsOf(entry.prices);
    return changed === null ? [] : [{ ...conditionOf(entry), ...changed }];
  });
  return { ...terms, ...(changes.length > 0 && { changes }) };
}

function isList(prices: PricedModel['prices']): prices is readonly Conditional[] {
  return Array.isArray(prices);
}

function conditionOf({ constraint }: Conditional): Pick<StatedChange, 'from' | 'daily'> {
  if (constraint === undefined) return {};
  if (constraint.type === 'start_date') return { from: constraint.start_date };
  return { daily: { from: constraint.start_time.slice(0, 5), to: constraint.end_time.slice(0, 5) } };
}

const RATES = {
  input: 'input_mtok',
  output: 'output_mtok',
  cachedInput: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
  cacheWrite1h: 'cache_write_1h_mtok',
  audioInput: 'input_audio_mtok',
  audioOutput: 'output_audio_mtok',
  imageOutput: 'output_image_mtok',
} as const;

/** Null where nothing is said that we count. */
function termsOf(terms: Terms): StatedTerms | null {
  const requests = terms['requests_kcount'];
  const perRequest = typeof requests === 'number' ? { perRequest: requests / 1000 } : {};
  const hours = terms['input_audio_hours'];
  const perAudioHour = typeof hours === 'number' ? { perAudioHour: hours } : {};
  const base = ratesOf(terms, baseOf);
  const isCounted = [base['input'], base['output'], requests, hours].some((rate) => rate !== undefined);
  if (!isCounted) return null;
  const tiers = boundsOf(terms).map((above) => ({ above, ...ratesOf(terms, (rate) => tierOf(rate, above)) }));
  return { input: 0, output: 0, ...base, ...(tiers.length > 0 && { tiers }), ...perRequest, ...perAudioHour };
}

function ratesOf(
  terms: Terms,
  read: (rate: number | Tiered | undefined) => number | undefined,
): Readonly<Record<string, number>> {
  const rates = Object.entries(RATES).map(([name, key]) => [name, read(terms[key])] as const);
  return Object.fromEntries(rates.filter((rate): rate is [keyof typeof RATES, number] => rate[1] !== undefined));
}

function baseOf(rate: number | Tiered | undefined): number | undefined {
  return typeof rate === 'object' ? rate.base : rate;
}

function tierOf(rate: number | Tiered | undefined, above: number): number | undefined {
  return typeof rate === 'object' ? rate.tiers.find(({ start }) => start === above)?.price : undefined;
}

function boundsOf(terms: Terms): readonly number[] {
  const bounds = Object.values(RATES).flatMap((key) => {
    const rate = terms[key];
    return typeof rate === 'object' ? rate.tiers.map(({ start }) => start) : [];
  });
  return [...new Set(bounds)].sort((a, b) => a - b);
}
