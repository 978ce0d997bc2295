import fc from 'fast-check';
import { expect, test } from 'vitest';
import { costOf, priceOf } from './price.ts';

const usage = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };

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

test('a cost is exact for any tokens and prices, as whole numbers of any size say it', () => {
  const tokens = fc.integer({ min: 0, max: 10_000_000 });
  const rate = fc.integer({ min: 0, max: 1_000_000_000_000 });
  fc.assert(
    fc.property(tokens, tokens, rate, rate, (inputTokens, outputTokens, input, output) => {
      const price = { input, output, cachedInput: input, cacheWrite: input };
      const exact = BigInt(inputTokens) * BigInt(input) + BigInt(outputTokens) * BigInt(output);
      const rounded = (exact + 500_000n) / 1_000_000n;
      fc.pre(rounded < BigInt(Number.MAX_SAFE_INTEGER));
      expect(BigInt(costOf({ ...usage, inputTokens, outputTokens }, price))).toBe(rounded);
    }),
  );
});
