import { expect, test } from 'vitest';
import { fillStar, findAlias, flattenAlias } from './alias-targets.ts';
import { compileWildcard, matchWildcard } from './wildcard.ts';

test('a star stands for at least one character, slashes too', () => {
  const match = (pattern: string, name: string) => matchWildcard(compileWildcard(pattern), name);
  expect(match('fast-*', 'fast-eu')).toBe('eu');
  expect(match('openai/*', 'openai/a/b')).toBe('a/b');
  expect(match('*-mini', 'x-mini')).toBe('x');
  expect(match('fast-*', 'fast-')).toBeNull();
  expect(match('ab*bc', 'abc')).toBeNull();
  expect(match('plain', 'plain')).toBe('');
});

test('a name finds the alias of its own, else the pattern that says most of it', () => {
  const aliases = ['fast-*', 'fast-eu-*', 'fast-eu-1', '*'];
  expect(findAlias(aliases, 'fast-eu-1')).toEqual({ alias: 'fast-eu-1', star: '' });
  expect(findAlias(aliases, 'fast-eu-2')).toEqual({ alias: 'fast-eu-*', star: '2' });
  expect(findAlias(aliases, 'fast-x')).toEqual({ alias: 'fast-*', star: 'x' });
  expect(findAlias(['fast-*'], 'slow')).toBeNull();
  expect(fillStar('openrouter/openai/*', '$&')).toBe('openrouter/openai/$&');
});

const t = (model: string, weight = 1) => ({ model, weight });

test('nested aliases are laid out with their share of the weight', () => {
  const aliases = new Map([
    ['all', [t('fast', 3), t('c/z', 1)]],
    ['fast', [t('a/x', 2), t('b/y', 1)]],
  ]);
  expect(flattenAlias(aliases, 'all')).toEqual({ ok: true, targets: [t('a/x', 2), t('b/y', 1), t('c/z', 1)] });
});

test('aliases that name each other, nothing, or too much are refused with a reason', () => {
  const loop = new Map<string, readonly { model: string; weight: number }[]>([
    ['a', [t('b')]],
    ['b', [t('a')]],
    ['lost', [t('nowhere')]],
    ['wide', Array.from({ length: 101 }, () => t('p/m'))],
    ...Array.from({ length: 6 }, (_, i) => [`d${i}`, [t(i === 5 ? 'p/m' : `d${i + 1}`)]] as const),
  ]);
  expect(flattenAlias(loop, 'a')).toEqual({ ok: false, reason: 'names itself: a → b → a' });
  expect(flattenAlias(loop, 'lost')).toMatchObject({
    reason: 'names nowhere, which is neither provider/name nor an alias',
  });
  expect(flattenAlias(loop, 'wide')).toMatchObject({ reason: 'comes to more than 100 targets' });
  expect(flattenAlias(loop, 'd0')).toMatchObject({ reason: 'names aliases more than 4 deep' });
});
