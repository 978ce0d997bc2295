import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { anySaid } from '../../test/fakes/speakers/said-arbitrary.ts';
import { SPEAKERS } from '../../test/fakes/speakers/index.ts';
import type { ClientDialectName } from '../llm/dialect.ts';
import { DIALECTS } from '../llm/index.ts';
import { SeenOutput } from './seen-output.ts';
import type { Target } from './targets.ts';
import { loadTranslation, translation } from './translation.ts';

const CLIENTS = Object.keys(DIALECTS) as ClientDialectName[];

beforeAll(loadTranslation);

/** All of a target that says how its answers are read. */
function speaking(dialect: ClientDialectName): Target {
  return { dialect: DIALECTS[dialect], native: DIALECTS[dialect], endpoint: { snapshot: {} } } as unknown as Target;
}

function seen(chunks: readonly (string | Uint8Array)[], target: Target | null = speaking('openai')): number {
  const output = new SeenOutput(target);
  for (const chunk of chunks) output.add(Buffer.from(chunk));
  return output.tokens();
}

function event(content: string, more = ''): string {
  return `data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]${more}}\n\n`;
}

describe('output that went by', () => {
  test.each(CLIENTS)('is that of the same answer as a whole, in the %s dialect, however it is cut', (dialect) => {
    fc.assert(
      fc.property(anySaid, fc.array(fc.nat(), { maxLength: 20 }), (said, cuts) => {
        const target = speaking(dialect);
        const bytes = Buffer.concat(SPEAKERS[dialect].stream(said));
        const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((to, i) => bytes.subarray(places[i], to));
        const whole = Buffer.from(JSON.stringify(SPEAKERS[dialect].whole(said)));
        expect(seen(chunks, target)).toBe(translation().estimatedOutputTokens(target, whole));
      }),
    );
  });

  test('of the older text endpoint counts by its text, too', () => {
    const choice = (text: string) => ({ choices: [{ index: 0, text, finish_reason: null }] });
    const stream = ['x'.repeat(30), 'y'.repeat(30)].map((text) => `data: ${JSON.stringify(choice(text))}\n\n`);
    const whole = Buffer.from(JSON.stringify(choice('x'.repeat(60))));
    expect([seen(stream), translation().estimatedOutputTokens(speaking('openai'), whole)]).toEqual([15, 15]);
  });

  test('is exact for a long stream, though not all of it is kept', () => {
    const texts = Array.from({ length: 5_000 }, (_, i) => ` word ${i}`);
    expect(seen(texts.map((text) => event(text)))).toBe(Math.ceil(texts.join('').length / 4));
    // Text that looks like a promise is none.
    expect(seen(texts.map((text) => event(`${text},"usage":null`)))).toBe(
      Math.ceil((texts.join('').length + texts.length * ',"usage":null'.length) / 4),
    );
    const bytes = Buffer.from(
      texts
        .slice(0, 300)
        .map((text) => event(text))
        .join(''),
    );
    const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expect(seen(single)).toBe(Math.ceil(texts.slice(0, 300).join('').length / 4));
  });

  test('of a long stream that breaks its promise to tell is judged by its beginning', () => {
    const texts = Array.from({ length: 5_000 }, () => ' word');
    const tokens = seen(texts.map((text) => event(text, ',"usage":null')));
    expect(tokens / (texts.join('').length / 4)).toBeCloseTo(1, 1);
  });

  test('of half an event is what came before it', () => {
    const whole = event('x'.repeat(400));
    expect(seen([whole, whole.slice(0, 300)])).toBe(100);
  });

  test('that nobody can read counts in bytes, and nothing is nothing', () => {
    expect(seen(['data: {"par', 'tial'], null)).toBe(4);
    expect(seen(['data: {"other":"x"}\n\n'])).toBe(6);
    expect(seen([])).toBe(0);
  });
});
