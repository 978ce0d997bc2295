import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInCatalogue, listedNames, traitsOf } from '../providers/catalogue/catalogue.ts';
import { PROVIDERS } from '../providers/index.ts';
import { costOf } from '../llm/price.ts';
import type { Circumstances } from '../llm/price.ts';
import { priceOf } from '../llm/stated-price.ts';
import { catalogueModels } from './catalogue-schema.ts';

const files = readdirSync(join(import.meta.dirname, '../providers/catalogue/models')).map((name) =>
  name.replace(/\.json$/, ''),
);
const models = files.flatMap((id) => Object.entries(builtInCatalogue(id)));

test('it is of providers that there are, and holds more than a thousand models with prices that are in use', () => {
  const known = PROVIDERS.map(({ id }) => id);
  expect(files.filter((id) => !known.includes(id))).toEqual([]);
  expect(models.filter(([, { price, listed }]) => price !== undefined && listed !== false).length).toBeGreaterThan(
    1000,
  );
  expect(builtInCatalogue('nobody')).toEqual({});
  expect(builtInCatalogue('../models/openai')).toEqual({});
  expect(builtInCatalogue('__proto__')).toEqual({});
});

describe.each(files)('%s', (id) => {
  test('has the form of a catalogue, and lists models', () => {
    const found = catalogueModels.safeParse(builtInCatalogue(id));
    expect(found.error?.issues ?? []).toEqual([]);
    expect(listedNames(builtInCatalogue(id)).length).toBeGreaterThan(0);
  });

  test('states prices that count', () => {
    for (const [name, { price }] of Object.entries(builtInCatalogue(id))) {
      if (price === undefined) continue;
      const usage = {
        inputTokens: 1000,
        cachedInputTokens: 100,
        cacheWriteTokens: 100,
        outputTokens: 100,
        reasoningTokens: 0,
      };
      const cost = costOf(usage, priceOf(price));
      expect(Number.isSafeInteger(cost) && cost >= 0, name).toBe(true);
      for (const change of price.changes ?? [])
        expect(Number.isNaN(Date.parse(change.from ?? '2026-01-01'))).toBe(false);
    }
  });
});

test('what is sold by the character or the hour of sound is priced so', () => {
  const none = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  const cost = (provider: string, model: string, circumstances: Circumstances): number =>
    costOf(none, priceOf(builtInCatalogue(provider)[model]?.price ?? { input: 0, output: 0 }), circumstances);
  // https://developers.openai.com/api/docs/models/tts-1: $15 for a million characters.
  expect(cost('openai', 'tts-1', { characters: 4095 })).toBe(61_425_000);
  expect(cost('openai', 'tts-1-hd', { characters: 4095 })).toBe(122_850_000);
  // …/models/whisper-1 and gpt-transcribe: $0.006 and $0.0045 a minute.
  expect(cost('openai', 'whisper-1', { audioMs: 60_000 })).toBe(6_000_000);
  expect(cost('openai', 'gpt-transcribe', { audioMs: 60_000 })).toBe(4_500_000);
  // https://console.groq.com/docs/speech-to-text: $0.04 and $0.111 an hour, and never less than ten seconds.
  expect(cost('groq', 'whisper-large-v3-turbo', { audioMs: 3_600_000 })).toBe(40_000_000);
  expect(cost('groq', 'whisper-large-v3', { audioMs: 1000 })).toBe(308_333);
  expect(cost('venice', 'tts-kokoro', { characters: 1000 })).toBe(3_500_000);
  for (const [name, { kind, price }] of models) {
    const isBySound = price?.perMillionCharacters !== undefined || price?.perAudioHour !== undefined;
    if (isBySound) expect([price.input, price.output], `${name} (${kind})`).toEqual([0, 0]);
  }
});

test('vendors’ own words for a call’s cost, to the nano-dollar', () => {
  const none = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  const cost = (
    provider: string,
    model: string,
    used: Partial<typeof none> & { cacheWrite1hTokens?: number; searchUnits?: number },
    batch = false,
  ) => {
    const price = builtInCatalogue(provider)[model]?.price;
    if (price === undefined) throw new Error(`${provider}/${model} has no price`);
    return costOf({ ...none, ...used }, priceOf(price), { batch, atMs: Date.UTC(2026, 10, 27, 12) });
  };
  // https://docs.claude.com/en/docs/about-claude/pricing: $1, $5; reads $0.10, writes $1.25 and $2.
  const haiku = {
    inputTokens: 10_000,
    cachedInputTokens: 4000,
    cacheWriteTokens: 3000,
    cacheWrite1hTokens: 1000,
    outputTokens: 500,
  };
  expect(cost('anthropic', 'claude-haiku-4-5', haiku)).toBe(
    3000 * 1000 + 4000 * 100 + 2000 * 1250 + 1000 * 2000 + 500 * 5000,
  );
  expect(cost('anthropic', 'claude-haiku-4-5-20251001', haiku, true)).toBe(5_200_000);
  // https://ai.google.dev/gemini-api/docs/pricing: $1.25, $10; above 200,000 tokens $2.50, $15.
  expect(cost('gemini', 'gemini-2.5-pro', { inputTokens: 200_000, outputTokens: 10 })).toBe(
    200_000 * 1250 + 10 * 10_000,
  );
  expect(cost('gemini', 'gemini-2.5-pro', { inputTokens: 200_001, outputTokens: 10 })).toBe(
    200_001 * 2500 + 10 * 15_000,
  );
  // https://platform.openai.com/docs/pricing: $0.15, cached $0.075, $0.60; batches half of it.
  const mini = { inputTokens: 1001, cachedInputTokens: 1000, outputTokens: 1 };
  expect(cost('openai', 'gpt-4o-mini', mini)).toBe(150 + 75_000 + 600);
  expect(cost('openai', 'gpt-4o-mini', mini, true)).toBe(37_875);
  // Cohere: $2.00 for a thousand searches, $2.50 of the larger model; the tokens cost nothing.
  const search = { inputTokens: 12_345, searchUnits: 3 };
  expect(cost('cohere', 'rerank-v3.5', search)).toBe(6_000_000);
  expect(cost('cohere', 'rerank-v4.0-fast', search)).toBe(6_000_000);
  expect(cost('cohere', 'rerank-v4.0-pro', search)).toBe(7_500_000);
});

test('what decides how a request is written is told, and null where nobody knows', () => {
  const traits = (provider: string, model: string) => traitsOf(builtInCatalogue(provider)[model] ?? {});
  expect(traits('anthropic', 'claude-opus-4-7')).toMatchObject({
    reasoningStyle: 'adaptive',
    sampling: false,
    files: null,
  });
  expect(traits('openai', 'gpt-4.1')).toMatchObject({ contextTokens: 1_047_576, reasoning: false, sampling: true });
  expect(traits('gemini', 'gemini-2.5-flash')).toMatchObject({ reasoningStyle: 'budget', images: true });
  expect(traits('openai', 'nothing')).toBeNull();
});
