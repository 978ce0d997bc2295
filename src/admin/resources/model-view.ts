/** What is known of a model, as the admin API shows it: limits, abilities and prices in USD. */
import { z } from 'zod';
import type { ProviderSnapshot } from '../../config/snapshot.ts';

type ModelTraits = ProviderSnapshot['traits'][string];
type Price = ProviderSnapshot['prices'][string];
type PriceChange = NonNullable<Price['changes']>[number];
type PriceTerms = Omit<Price, 'changes'>;
type PerUnit = 'perRequest' | 'perImage' | 'perMillionCharacters' | 'perAudioHour' | 'perSearchUnit';
type Rates = Omit<PriceTerms, PerUnit | 'tiers' | 'audioMsMin' | 'batchMillionths'>;

const usd = z.number().min(0);

const rates = {
  input: usd,
  output: usd,
  cachedInput: usd,
  cacheWrite: usd,
  cacheWrite1h: usd.exactOptional(),
  audioInput: usd.exactOptional(),
  audioOutput: usd.exactOptional(),
  imageOutput: usd.exactOptional(),
};

const terms = {
  ...rates,
  tiers: z
    .array(z.object({ above: z.int(), ...rates }))
    .exactOptional()
    .describe('Rates of the whole call where its input is larger than this many tokens.'),
  perRequest: usd.exactOptional().describe('USD for every call.'),
  perImage: usd.exactOptional().describe('USD for every image that is made.'),
  perMillionCharacters: usd.exactOptional().describe('USD for a million characters that are spoken.'),
  perAudioHour: usd.exactOptional().describe('USD for an hour of sound that is written down.'),
  audioSecondsMin: z.number().exactOptional().describe('How much sound a call is paid for at least.'),
  perSearchUnit: usd.exactOptional().describe('USD for every search unit that a reranker bills.'),
  batch: z.number().exactOptional().describe('The part of the price that a call in a batch costs.'),
};

export const priceView = z
  .object({
    ...terms,
    changes: z
      .array(
        z.object({
          ...terms,
          from: z.iso.date().exactOptional(),
          daily: z.object({ from: z.string(), to: z.string() }).exactOptional().describe('Hours in UTC.'),
        }),
      )
      .exactOptional()
      .describe('Terms that replace the others from a day on or in certain hours; the last that holds counts.'),
  })
  .describe('USD per million tokens.')
  .meta({ id: 'Price' });

export const traitsView = z
  .object({
    contextTokens: z.int().nullable().describe('Input and output together.'),
    outputTokensMax: z.int().nullable(),
    images: z.boolean().nullable(),
    files: z.boolean().nullable(),
    audio: z.boolean().nullable(),
    tools: z.boolean().nullable(),
    structuredOutput: z.boolean().nullable(),
    reasoning: z.boolean().nullable(),
    reasoningStyle: z.enum(['effort', 'budget', 'adaptive']).nullable(),
    sampling: z.boolean().nullable().describe('Whether it takes a temperature.'),
    responsesOnly: z.boolean().nullable().describe("Whether OpenAI's Responses API alone serves it."),
  })
  .describe('Null: not known.')
  .meta({ id: 'ModelTraits' });

export function viewTraits(traits: ModelTraits): z.input<typeof traitsView> {
  return { ...traits };
}

export function viewPrice(price: Price): z.input<typeof priceView> {
  const { changes } = price;
  return { ...viewTerms(price), ...(changes !== undefined && { changes: changes.map(viewChange) }) };
}

const NANO = 1e9;
const MILLION = 1e6;
const SECOND_MS = 1000;

function viewChange(change: PriceChange) {
  const { fromMs, daily } = change;
  return {
    ...viewTerms(change),
    ...(fromMs !== undefined && { from: new Date(fromMs).toISOString().slice(0, 10) }),
    ...(daily !== undefined && { daily: { from: clockOf(daily.from), to: clockOf(daily.to) } }),
  };
}

function viewTerms(shown: PriceTerms) {
  const { tiers, perRequest, perImage, perMillionCharacters, perAudioHour, audioMsMin } = shown;
  const { perSearchUnit, batchMillionths } = shown;
  return {
    ...viewRates(shown),
    ...(tiers !== undefined && {
      tiers: tiers.map((tier) => ({ above: tier.aboveInputTokens, ...viewRates(tier) })),
    }),
    ...(perRequest !== undefined && { perRequest: perRequest / NANO }),
    ...(perImage !== undefined && { perImage: perImage / NANO }),
    ...(perMillionCharacters !== undefined && { perMillionCharacters: perMillionCharacters / NANO }),
    ...(perAudioHour !== undefined && { perAudioHour: perAudioHour / NANO }),
    ...(audioMsMin !== undefined && { audioSecondsMin: audioMsMin / SECOND_MS }),
    ...(perSearchUnit !== undefined && { perSearchUnit: perSearchUnit / NANO }),
    ...(batchMillionths !== undefined && { batch: batchMillionths / MILLION }),
  };
}

function viewRates({ input, output, cachedInput, cacheWrite, ...others }: Rates) {
  const { cacheWrite1h, audioInput, audioOutput, imageOutput } = others;
  return {
    input: input / NANO,
    output: output / NANO,
    cachedInput: cachedInput / NANO,
    cacheWrite: cacheWrite / NANO,
    ...(cacheWrite1h !== undefined && { cacheWrite1h: cacheWrite1h / NANO }),
    ...(audioInput !== undefined && { audioInput: audioInput / NANO }),
    ...(audioOutput !== undefined && { audioOutput: audioOutput / NANO }),
    ...(imageOutput !== undefined && { imageOutput: imageOutput / NANO }),
  };
}

function clockOf(minutes: number): string {
  const two = (count: number): string => String(count).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
