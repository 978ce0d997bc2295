import type { Usage } from './dialect.ts';

/**
 * What tokens cost, each in nano-USD per million tokens (USD per million × 10⁹), as whole numbers.
 * Of those that may be left out, cache writes for an hour cost as cache writes do, sound as input
 * and output do, and images that are made as output does.
 */
export interface Rates {
  readonly input: number;
  readonly output: number;
  /** Input read from the provider's cache. */
  readonly cachedInput: number;
  /** Input written to the provider's cache. */
  readonly cacheWrite: number;
  readonly cacheWrite1h?: number;
  readonly audioInput?: number;
  readonly audioOutput?: number;
  readonly imageOutput?: number;
}

/** Rates for a whole call whose input is larger than this. */
export interface RateTier extends Rates {
  readonly aboveInputTokens: number;
}

export interface PriceTerms extends Rates {
  /** In rising order; the last one whose bound the input passes holds. */
  readonly tiers?: readonly RateTier[];
  /** Nano-USD for every call, for every image that was made, and for every unit of searching (rerank). */
  readonly perRequest?: number;
  readonly perImage?: number;
  readonly perSearchUnit?: number;
  /** Nano-USD for a million characters that are spoken. */
  readonly perMillionCharacters?: number;
  /** Nano-USD for an hour of sound that is written down; what is shorter than the minimum costs as much as that. */
  readonly perAudioHour?: number;
  readonly audioMsMin?: number;
  /** What a call in a batch costs, in millionths of the whole. */
  readonly batchMillionths?: number;
}

/** Terms that hold from a time on, or in certain hours of every day. */
export interface PriceChange extends PriceTerms {
  /** Unix milliseconds. */
  readonly fromMs?: number;
  /** Minutes of the day in UTC; `to` is past the end, and before `from` where midnight lies between them. */
  readonly daily?: { readonly from: number; readonly to: number };
}

/** What a model costs. */
export interface Price extends PriceTerms {
  /** The last one that holds at the time of a call replaces the terms. */
  readonly changes?: readonly PriceChange[];
}

/** What decides a price besides the usage. */
export interface Circumstances {
  /** Unix milliseconds; without it, changes are left aside. */
  readonly atMs?: number;
  readonly batch?: boolean;
  /** How many images were made. */
  readonly images?: number;
  /** How many characters were spoken. */
  readonly characters?: number;
  /** How long the sound is that was written down. */
  readonly audioMs?: number;
}

const MILLION = 1e6;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const MINUTES_A_DAY = 1440;
const USUAL: Circumstances = {};

/** Whole nano-USD; tokens and characters are rounded once, and so is sound. */
export function costOf(usage: Usage, price: Price, circumstances: Circumstances = USUAL): number {
  const terms = circumstances.atMs === undefined ? price : termsAt(price, circumstances.atMs);
  const rates = ratesFor(usage.inputTokens, terms);
  const portions = portionsOf(usage);
  const { images = 0, characters = 0, audioMs = 0 } = circumstances;
  const { perRequest = 0, perImage = 0, perSearchUnit = 0, perMillionCharacters = 0 } = terms;
  const units = perImage * images + perSearchUnit * (usage.searchUnits ?? 0);
  const fixed = perRequest + units + costOfSound(audioMs, terms);
  // Whole nano-USD per token and the rest apart, so that no product leaves the exact range of a double.
  const whole = sumOf(portions, rates, wholeRate) + characters * wholeRate(perMillionCharacters) + fixed;
  const millionths = sumOf(portions, rates, restOfRate) + characters * restOfRate(perMillionCharacters);
  if (circumstances.batch === true && terms.batchMillionths !== undefined) {
    return partOf(whole, millionths, terms.batchMillionths);
  }
  return whole + Math.round(millionths / MILLION);
}

/** The terms that hold at a time: those of the last change that does, else the price's own. */
export function termsAt(price: Price, atMs: number): PriceTerms {
  return price.changes?.findLast((change) => holdsAt(change, atMs)) ?? price;
}

/** The same price as it stands at a time: changes that are past count as its own terms, later ones stay. */
export function priceAt(price: Price, atMs: number): Price {
  const { changes = [] } = price;
  const last = changes.findLastIndex(
    ({ fromMs, daily }) => daily === undefined && fromMs !== undefined && fromMs <= atMs,
  );
  const change = changes[last];
  if (change === undefined) return price;
  const { fromMs: _, ...terms } = change;
  const later = changes.slice(last + 1);
  return later.length === 0 ? terms : { ...terms, changes: later };
}

function holdsAt({ fromMs, daily }: PriceChange, atMs: number): boolean {
  if (fromMs !== undefined && atMs < fromMs) return false;
  if (daily === undefined) return true;
  const minute = Math.floor(atMs / MINUTE_MS) % MINUTES_A_DAY;
  return daily.from <= daily.to ? minute >= daily.from && minute < daily.to : minute >= daily.from || minute < daily.to;
}

/** Whole nano-USD of its own: hours have no millionths to be summed with those of tokens. */
function costOfSound(audioMs: number, { perAudioHour, audioMsMin = 0 }: PriceTerms): number {
  if (perAudioHour === undefined || audioMs === 0) return 0;
  const ms = Math.max(audioMs, audioMsMin);
  return ms * Math.floor(perAudioHour / HOUR_MS) + Math.round((ms * (perAudioHour % HOUR_MS)) / HOUR_MS);
}

function ratesFor(inputTokens: number, terms: PriceTerms): Rates {
  return terms.tiers?.findLast(({ aboveInputTokens }) => inputTokens > aboveInputTokens) ?? terms;
}

/** The tokens of a call, each counted once. */
interface Portions {
  readonly text: number;
  readonly cached: number;
  readonly written: number;
  readonly written1h: number;
  readonly sound: number;
  readonly textOut: number;
  readonly soundOut: number;
  readonly imageOut: number;
}

/** Counts that contradict each other never give less than nothing. */
function portionsOf(usage: Usage): Portions {
  const written1h = Math.min(usage.cacheWrite1hTokens ?? 0, usage.cacheWriteTokens);
  const sound = usage.audioInputTokens ?? 0;
  const soundOut = usage.audioOutputTokens ?? 0;
  const imageOut = usage.imageOutputTokens ?? 0;
  return {
    text: Math.max(0, usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens - sound),
    cached: usage.cachedInputTokens,
    written: usage.cacheWriteTokens - written1h,
    written1h,
    sound,
    textOut: Math.max(0, usage.outputTokens - soundOut - imageOut),
    soundOut,
    imageOut,
  };
}

function sumOf(tokens: Portions, rates: Rates, part: (rate: number) => number): number {
  return (
    tokens.text * part(rates.input) +
    tokens.cached * part(rates.cachedInput) +
    tokens.written * part(rates.cacheWrite) +
    tokens.written1h * part(rates.cacheWrite1h ?? rates.cacheWrite) +
    tokens.sound * part(rates.audioInput ?? rates.input) +
    tokens.textOut * part(rates.output) +
    tokens.soundOut * part(rates.audioOutput ?? rates.output) +
    tokens.imageOut * part(rates.imageOutput ?? rates.output)
  );
}

function wholeRate(rate: number): number {
  return Math.floor(rate / MILLION);
}

function restOfRate(rate: number): number {
  return rate % MILLION;
}

/** Batches are rare, and a factor makes the numbers too large for doubles. */
function partOf(whole: number, millionths: number, factorMillionths: number): number {
  const million = BigInt(MILLION);
  const exact = (BigInt(whole) * million + BigInt(millionths)) * BigInt(factorMillionths);
  return Number((exact + (million * million) / 2n) / (million * million));
}
