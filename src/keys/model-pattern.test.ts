import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileModelPatterns, matchesModel, modelPatternsOf, parseModelPattern } from './model-pattern.ts';

const matches = (pattern: string, name: string): boolean => matchesModel(compileModelPatterns([pattern]), name);

describe('a model pattern', () => {
  test('agrees with the regular expression of the same meaning', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 10 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '*', '*'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (glob, name) => {
        const regex = new RegExp(
          `^${glob
            .split('*')
            .map((part) => part.replaceAll('.', '\\.'))
            .join('.*')}$`,
        );
        expect(matches(glob, name)).toBe(regex.test(name));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['openai/*', 'openai/gpt-4o', true],
    ['openai/*', 'openai2/gpt-4o', false],
    ['*/claude-*-4*', 'anthropic/claude-sonnet-4-5', true],
    ['fast', 'fast', true],
    ['fast', 'faster', false],
    ['*', '', true],
    ['ab*ba', 'aba', false],
    ['GPT', 'gpt', false],
  ])('%s over %s: %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  test('made to be slow is answered at once', () => {
    const startedMs = performance.now();
    expect(matches(`${'*a'.repeat(120)}*b`, 'a'.repeat(200_000))).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(500);
  });

  test.each(['', ' ', 'a b', 'gpt-?', '[ab]', 'a|b', 'a,b', '^a$', 'é', 'a\n', 'a'.repeat(257)])(
    '%j is refused',
    (text) => {
      const parsed = parseModelPattern(text);
      expect(parsed.ok ? null : parsed.reason).toBeTypeOf('string');
      expect(compileModelPatterns([text, 'ok'])).toMatchObject({ invalid: [text] });
      expect(matches(text, text)).toBe(false);
    },
  );
});

test('a list matches what any of its patterns matches, and an empty one nothing', () => {
  const list = ['openai/*', 'fast'];
  expect(matchesModel(modelPatternsOf(list), 'fast')).toBe(true);
  expect(matchesModel(modelPatternsOf(list), 'openai/x')).toBe(true);
  expect(matchesModel(modelPatternsOf(list), 'slow')).toBe(false);
  expect(matchesModel(modelPatternsOf([]), '')).toBe(false);
  expect(modelPatternsOf(list)).toBe(modelPatternsOf(list));
});
