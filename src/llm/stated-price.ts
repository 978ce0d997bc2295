/** Prices as vendors and operators state them, and what the arithmetic makes of them. */
import type { Price, PriceChange, PriceTerms, RateTier, Rates } from './price.ts';

interface FurtherRates {
  readonly cachedInput?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly cacheWrite1h?: number | undefined;
  readonly audioInput?: number | undefined;
  readonly audioOutput?: number | undefined;
  readonly imageOutput?: number | undefined;
}

/** USD per million tokens; what may be left out costs as input does, or as stated at `Rates`. */
interface StatedRates extends FurtherRates {
  readonly input: number;
  readonly output: number;
}

/** Rates for calls with more input than `above` tokens; what is left out is as below it. */
export interface StatedTier extends FurtherRates {
  readonly above: number;
  readonly input?: number | undefined;
  readonly output?: number | undefined;
}

export interface StatedTerms extends StatedRates {
  readonly tiers?: readonly StatedTier[] | undefined;
  /** USD. */
  readonly perRequest?: number | undefined;
  readonly perImage?: number | undefined;
  readonly perMillionCharacters?: number | undefined;
  readonly perAudioHour?: number | undefined;
  /** What a call is paid for at least. */
  readonly audioSecondsMin?: number | undefined;
  readonly perSearchUnit?: number | undefined;
  /** The part of the price that a call in a batch costs, for example 0.5. */
  readonly batch?: number | undefined;
}

export interface StatedChange extends StatedTerms {
  /** A day in UTC, as 2026-12-01. */
  readonly from?: string | undefined;
  /** Hours in UTC, as 08:30. */
  readonly daily?: { readonly from: string; readonly to: string } | undefined;
}

export interface StatedPrice extends StatedTerms {
  /** Later terms, in the order in which they come into force; all of them are stated anew. */
  readonly changes?: readonly StatedChange[] | undefined;
}

const NANO = 1e9;
const MILLION = 1e6;
const SECOND_MS = 1000;

/** A stated price in the whole numbers that costs are counted in. */
export function priceOf(stated: StatedPrice): Price {
  const changes = (stated.changes ?? []).map(changeOf);
  return { ...termsOf(stated), ...(changes.length > 0 && { changes }) };
}

function changeOf(stated: StatedChange): PriceChange {
  const { from, daily } = stated;
  return {
    ...termsOf(stated),
    ...(from !== undefined && { fromMs: Date.parse(`${from}T00:00:00Z`) }),
    ...(daily !== undefined && { daily: { from: minutesOf(daily.from), to: minutesOf(daily.to) } }),
  };
}

function termsOf(stated: StatedTerms): PriceTerms {
  const tiers = (stated.tiers ?? []).map((tier) => tierOf(stated, tier)).sort(byBound);
  const { perRequest, perImage, perMillionCharacters, perAudioHour, audioSecondsMin, perSearchUnit, batch } = stated;
  return {
    ...ratesOf(stated),
    ...(tiers.length > 0 && { tiers }),
    ...(perRequest !== undefined && { perRequest: nano(perRequest) }),
    ...(perImage !== undefined && { perImage: nano(perImage) }),
    ...(perMillionCharacters !== undefined && { perMillionCharacters: nano(perMillionCharacters) }),
    ...(perAudioHour !== undefined && { perAudioHour: nano(perAudioHour) }),
    ...(audioSecondsMin !== undefined && { audioMsMin: Math.round(audioSecondsMin * SECOND_MS) }),
    ...(perSearchUnit !== undefined && { perSearchUnit: nano(perSearchUnit) }),
    ...(batch !== undefined && { batchMillionths: Math.round(batch * MILLION) }),
  };
}

function tierOf(below: StatedRates, { above, ...rates }: StatedTier): RateTier {
  const given = Object.entries(rates).filter(([, rate]) => rate !== undefined);
  return { ...ratesOf({ ...below, ...Object.fromEntries(given) }), aboveInputTokens: above };
}

function byBound(a: RateTier, b: RateTier): number {
  return a.aboveInputTokens - b.aboveInputTokens;
}

function ratesOf(stated: StatedRates): Rates {
  const { input, output, cachedInput, cacheWrite, cacheWrite1h, audioInput, audioOutput, imageOutput } = stated;
  return {
    input: nano(input),
    output: nano(output),
    cachedInput: nano(cachedInput ?? input),
    cacheWrite: nano(cacheWrite ?? input),
    ...(cacheWrite1h !== undefined && { cacheWrite1h: nano(cacheWrite1h) }),
    ...(audioInput !== undefined && { audioInput: nano(audioInput) }),
    ...(audioOutput !== undefined && { audioOutput: nano(audioOutput) }),
    ...(imageOutput !== undefined && { imageOutput: nano(imageOutput) }),
  };
}

function nano(usd: number): number {
  return Math.round(usd * NANO);
}

function minutesOf(clock: string): number {
  const [hours = '0', minutes = '0'] = clock.split(':');
  return Number(hours) * 60 + Number(minutes);
}
