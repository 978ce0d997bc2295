import type { Usage } from './dialect.ts';

/** What a model costs, each in nano-USD per million tokens (USD per million × 10⁹), as whole numbers. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** Input read from the provider's cache. */
  readonly cachedInput: number;
  /** Input written to the provider's cache. */
  readonly cacheWrite: number;
}

/** USD per million tokens, as vendors state prices; what is left out costs as input does. */
export interface StatedPrice {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number | undefined;
  readonly cacheWrite?: number | undefined;
}

const NANO = 1e9;
const MILLION = 1e6;

export function priceOf({ input, output, cachedInput, cacheWrite }: StatedPrice): Price {
  return {
    input: Math.round(input * NANO),
    output: Math.round(output * NANO),
    cachedInput: Math.round((cachedInput ?? input) * NANO),
    cacheWrite: Math.round((cacheWrite ?? input) * NANO),
  };
}

/** Whole nano-USD, rounded once. */
export function costOf(usage: Usage, price: Price): number {
  const fresh = Math.max(0, usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens);
  // Whole nano-USD per token and the rest apart, so that no product leaves the exact range of a double.
  const whole =
    fresh * wholeRate(price.input) +
    usage.cachedInputTokens * wholeRate(price.cachedInput) +
    usage.cacheWriteTokens * wholeRate(price.cacheWrite) +
    usage.outputTokens * wholeRate(price.output);
  const millionths =
    fresh * (price.input % MILLION) +
    usage.cachedInputTokens * (price.cachedInput % MILLION) +
    usage.cacheWriteTokens * (price.cacheWrite % MILLION) +
    usage.outputTokens * (price.output % MILLION);
  return whole + Math.round(millionths / MILLION);
}

function wholeRate(rate: number): number {
  return Math.floor(rate / MILLION);
}
