import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Usage } from './dialect.ts';
import { costOf, priceAt, termsAt } from './price.ts';
import type { Circumstances } from './price.ts';
import { priceOf } from './stated-price.ts';
import type { StatedPrice } from './stated-price.ts';

const usage: Usage = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
const SPEECH: StatedPrice = { input: 0, output: 0, perMillionCharacters: 15 };
const WHISPER: StatedPrice = { input: 0, output: 0, perAudioHour: 0.36 };
const GROQ: StatedPrice = { input: 0, output: 0, perAudioHour: 0.04, audioSecondsMin: 10 };

test('a call costs what the vendor states, to the nano-dollar', () => {
  const price = priceOf({ input: 0.15, output: 0.6, cachedInput: 0.075 });
  expect(costOf({ ...usage, inputTokens: 1000, outputTokens: 500 }, price)).toBe(150_000 + 300_000);
  expect(costOf({ ...usage, inputTokens: 1000, cachedInputTokens: 600 }, price)).toBe(60_000 + 45_000);
  // 37.5 nano-USD a token: three of them are 112.5.
  expect(costOf({ ...usage, inputTokens: 3 }, priceOf({ input: 0.0375, output: 0 }))).toBe(113);
  expect(
    costOf({ ...usage, inputTokens: 10, cacheWriteTokens: 10 }, priceOf({ input: 3, output: 15, cacheWrite: 3.75 })),
  ).toBe(37_500);
});

describe('sound is paid by what the vendor counts, to the nano-dollar', () => {
  test.each<[string, StatedPrice, Circumstances, number]>([
    ['4096 characters of tts-1', SPEECH, { characters: 4096 }, 61_440_000],
    ['one character of tts-1-hd', { ...SPEECH, perMillionCharacters: 30 }, { characters: 1 }, 30_000],
    ['3 characters at 0.5 nano-USD, rounded once', { ...SPEECH, perMillionCharacters: 0.0005 }, { characters: 3 }, 2],
    ['9 seconds of whisper-1', WHISPER, { audioMs: 9000 }, 900_000],
    ['8.47 seconds', WHISPER, { audioMs: 8470 }, 847_000],
    ['a minute', WHISPER, { audioMs: 60_000 }, 6_000_000],
    ['12 seconds at Groq, which have no whole price', GROQ, { audioMs: 12_000 }, 133_333],
    ['2 seconds at Groq: paid as 10', GROQ, { audioMs: 2000 }, 111_111],
    ['no sound at all', GROQ, {}, 0],
    ['half a batch', { ...WHISPER, batch: 0.5 }, { audioMs: 9000, batch: true }, 450_000],
    ['two hundred hours', GROQ, { audioMs: 720_000_000 }, 8_000_000_000],
  ])('%s', (_, stated, circumstances, nanoUsd) => {
    expect(costOf(usage, priceOf(stated), circumstances)).toBe(nanoUsd);
  });
});

describe('what has a price of its own is counted at it, and nowhere else', () => {
  const price = priceOf({
    input: 3,
    output: 15,
    cachedInput: 0.3,
    cacheWrite: 3.75,
    cacheWrite1h: 6,
    audioInput: 32,
    audioOutput: 64,
    imageOutput: 30,
    perRequest: 0.005,
    perImage: 0.04,
    batch: 0.5,
    tiers: [
      { above: 200_000, input: 6, output: 22.5, cachedInput: 0.6, cacheWrite: 7.5, cacheWrite1h: 12 },
      { above: 500_000, input: 9 },
    ],
  });
  const bare = { ...price, perRequest: 0 };

  test.each<[string, Partial<Usage>, number]>([
    ['input and output', { inputTokens: 1234, outputTokens: 567 }, 1234 * 3000 + 567 * 15_000],
    ['cached input', { inputTokens: 1234, cachedInputTokens: 1000 }, 234 * 3000 + 1000 * 300],
    [
      'cache writes of both kinds',
      { inputTokens: 5000, cacheWriteTokens: 3000, cacheWrite1hTokens: 1000 },
      2000 * 3000 + 2000 * 3750 + 1000 * 6000,
    ],
    [
      'sound',
      { inputTokens: 500, audioInputTokens: 400, outputTokens: 70, audioOutputTokens: 50 },
      100 * 3000 + 400 * 32_000 + 20 * 15_000 + 50 * 64_000,
    ],
    ['images that were made', { outputTokens: 1300, imageOutputTokens: 1290 }, 10 * 15_000 + 1290 * 30_000],
    ['input at the bound of a tier', { inputTokens: 200_000 }, 200_000 * 3000],
    [
      'input above it: the whole call',
      { inputTokens: 200_001, cachedInputTokens: 200_000, outputTokens: 10 },
      6000 + 200_000 * 600 + 10 * 22_500,
    ],
    [
      'the highest tier, where it says nothing as below all tiers',
      { inputTokens: 500_001, outputTokens: 1 },
      4_500_024_000,
    ],
    ['counts that contradict each other', { inputTokens: 10, cachedInputTokens: 20, cacheWrite1hTokens: 5 }, 20 * 300],
  ])('%s', (_, counts, nanoUsd) => {
    expect(costOf({ ...usage, ...counts }, bare)).toBe(nanoUsd);
  });

  test('searches, whose tokens cost what they cost', () => {
    const cohere = priceOf({ input: 0, output: 0, perSearchUnit: 0.0025 });
    expect(costOf({ ...usage, inputTokens: 900, searchUnits: 3 }, cohere)).toBe(7_500_000);
    expect(costOf({ ...usage, inputTokens: 900 }, cohere)).toBe(0);
    const both = priceOf({ input: 0.05, output: 0, perSearchUnit: 0.002, batch: 0.5 });
    expect(costOf({ ...usage, inputTokens: 3, searchUnits: 2 }, both)).toBe(4_000_150);
    expect(costOf({ ...usage, inputTokens: 3, searchUnits: 2 }, both, { batch: true })).toBe(2_000_075);
    expect(costOf({ ...usage, searchUnits: 2 }, price)).toBe(5_000_000);
  });

  test('calls, images and batches', () => {
    expect(costOf(usage, price)).toBe(5_000_000);
    expect(costOf(usage, price, { images: 3 })).toBe(5_000_000 + 3 * 40_000_000);
    expect(costOf({ ...usage, inputTokens: 1001 }, bare, { batch: true })).toBe(1_501_500);
    expect(costOf({ ...usage, inputTokens: 1001 }, bare, { batch: false })).toBe(3_003_000);
    // Half of 37.5 nano-USD, rounded once.
    expect(
      costOf({ ...usage, inputTokens: 1 }, priceOf({ input: 0.0375, output: 0, batch: 0.5 }), { batch: true }),
    ).toBe(19);
    expect(costOf({ ...usage, inputTokens: 1001 }, priceOf({ input: 3, output: 15 }), { batch: true })).toBe(3_003_000);
  });
});

describe('a price that changes', () => {
  const at = (text: string): number => Date.parse(`${text}Z`);
  const price = priceOf({
    input: 2,
    output: 8,
    changes: [
      { from: '2026-03-01', input: 1, output: 4 },
      { from: '2026-12-01', input: 0.5, output: 2 },
      { daily: { from: '22:30', to: '06:00' }, input: 0.25, output: 1 },
    ],
  });
  const cost = (when: string): number => costOf({ ...usage, inputTokens: 1000 }, price, { atMs: at(when) }) / 1000;

  test.each([
    ['2026-02-28T12:00', 2000],
    ['2026-03-01T12:00', 1000],
    ['2026-11-30T12:00', 1000],
    ['2026-12-01T12:00', 500],
    ['2026-12-01T22:29', 500],
    ['2026-12-01T22:30', 250],
    ['2026-12-02T05:59', 250],
    ['2026-12-02T06:00', 500],
  ])('costs at %s what it costs then', (when, nanoUsdPerToken) => {
    expect(cost(when)).toBe(nanoUsdPerToken);
  });

  test('is the same price when what is past is forgotten', () => {
    for (const now of ['2026-01-01T00:00', '2026-03-01T00:00', '2027-01-01T00:00'].map(at)) {
      const later = priceAt(price, now);
      for (const hours of [0, 5, 12, 23, 24 * 200]) {
        const then = now + hours * 3_600_000;
        expect(termsAt(later, then).input).toBe(termsAt(price, then).input);
      }
    }
    expect(priceAt(price, at('2027-01-01T00:00')).input).toBe(500_000_000);
    expect(priceAt(priceOf({ input: 1, output: 1 }), 0)).toEqual(priceOf({ input: 1, output: 1 }));
  });
});

test('a cost is exact for any tokens and prices, as whole numbers of any size say it', () => {
  const tokens = fc.integer({ min: 0, max: 10_000_000 });
  const rate = fc.integer({ min: 0, max: 1_000_000_000_000 });
  fc.assert(
    fc.property(tokens, tokens, rate, rate, fc.boolean(), (inputTokens, outputTokens, input, output, batch) => {
      const price = { input, output, cachedInput: input, cacheWrite: input, batchMillionths: 333_333 };
      const exact = BigInt(inputTokens) * BigInt(input) + BigInt(outputTokens) * BigInt(output);
      const rounded = batch
        ? (exact * 333_333n + 500_000_000_000n) / 1_000_000_000_000n
        : (exact + 500_000n) / 1_000_000n;
      fc.pre(rounded < BigInt(Number.MAX_SAFE_INTEGER));
      expect(BigInt(costOf({ ...usage, inputTokens, outputTokens }, price, { batch }))).toBe(rounded);
    }),
  );
});

test('a cost is exact and never below nothing for any counts, also such as contradict each other', () => {
  const count = fc.integer({ min: 0, max: 5_000_000 });
  const rate = fc.integer({ min: 0, max: 100_000_000_000 });
  const counts = fc.record({
    inputTokens: count,
    cachedInputTokens: count,
    cacheWriteTokens: count,
    outputTokens: count,
    reasoningTokens: count,
    cacheWrite1hTokens: count,
    audioInputTokens: count,
    audioOutputTokens: count,
    imageOutputTokens: count,
  });
  const rates = fc.record({
    input: rate,
    output: rate,
    cachedInput: rate,
    cacheWrite: rate,
    cacheWrite1h: rate,
    audioInput: rate,
    audioOutput: rate,
    imageOutput: rate,
  });
  fc.assert(
    fc.property(counts, rates, (used, price) => {
      const long = Math.min(used.cacheWrite1hTokens, used.cacheWriteTokens);
      const rest = used.inputTokens - used.cachedInputTokens - used.cacheWriteTokens - used.audioInputTokens;
      const words = used.outputTokens - used.audioOutputTokens - used.imageOutputTokens;
      const products: readonly (readonly [number, number])[] = [
        [Math.max(0, rest), price.input],
        [used.cachedInputTokens, price.cachedInput],
        [used.cacheWriteTokens - long, price.cacheWrite],
        [long, price.cacheWrite1h],
        [used.audioInputTokens, price.audioInput],
        [Math.max(0, words), price.output],
        [used.audioOutputTokens, price.audioOutput],
        [used.imageOutputTokens, price.imageOutput],
      ];
      const exact = products.reduce((sum, [tokens, each]) => sum + BigInt(tokens) * BigInt(each), 0n);
      expect(BigInt(costOf(used, price))).toBe((exact + 500_000n) / 1_000_000n);
    }),
  );
});
