import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { compileAliases, ROUTE_DEFAULTS } from './compile-aliases.ts';
import type { AliasInput } from './compile-aliases.ts';
import { parseConfig } from './load.ts';
import type { ParsedConfig } from './schema.ts';
import type { AliasSnapshot, ProviderSnapshot } from './snapshot.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyward-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

function parsed(text: string, env: Readonly<Record<string, string>> = {}): ParsedConfig {
  const result = parseConfig({ text, file: 'keyward.yaml', env });
  if (!result.ok) throw new Error(result.errors.map(({ message }) => message).join('; '));
  return result.config;
}

function mistakes(text: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  const result = parseConfig({ text, file: 'keyward.yaml', env });
  return result.ok ? [] : result.errors.map(({ line, path, message }) => `${line} ${path}: ${message}`);
}

const PROVIDER: ProviderSnapshot = {
  id: 'a',
  transport: 'http',
  endpoints: {},
  credentials: [],
  prices: {},
  models: [],
  traits: {},
};

function compiled(text: string, stored: readonly AliasInput[] = []) {
  const warnings: string[] = [];
  const aliases = compileAliases(
    { declared: parsed(text).models ?? {}, stored, providers: { a: PROVIDER, b: PROVIDER } },
    (sentence) => warnings.push(sentence),
  );
  return { aliases, warnings };
}

function targetsOf(alias: AliasSnapshot | undefined): readonly (readonly [string, number])[] {
  return alias?.targets.map(({ model, weight }) => [model, weight] as const) ?? [];
}

test('an alias says how it chooses, when, and what happens when it fails', () => {
  const { aliases, warnings } = compiled(`
models:
  fast:
    strategy: least-latency
    targets:
      - { model: a/x, weight: 3, priority: 2, when: { tags: [eu], headers: { X-Team: "blue-*" }, promptTokensMax: 100 } }
      - b/y
    fallback: [unavailable, context_too_long]
    retries: 2
    attemptsMax: 4
    hedge: { afterMs: 800 }
    affinity: conversation
    timeouts: { firstByteMs: 5000, totalMs: "20000" }
`);
  expect(warnings).toEqual([]);
  expect(aliases['fast']).toEqual({
    strategy: 'least-latency',
    targets: [
      {
        model: 'a/x',
        weight: 3,
        priority: 2,
        when: { tags: ['eu'], headers: { 'x-team': 'blue-*' }, promptTokensMax: 100 },
      },
      { model: 'b/y', weight: 1, priority: 1, when: null },
    ],
    fallback: ['unavailable', 'context_too_long'],
    retries: 2,
    attemptsMax: 4,
    hedgeAfterMs: 800,
    affinity: 'conversation',
    timeouts: { firstByteMs: 5_000, idleMs: null, totalMs: 20_000 },
  });
});

test('nested aliases are laid out, stored ones too; a loop is left out with a sentence', () => {
  const { aliases, warnings } = compiled(
    `models:
  all: { targets: [{ model: fast, weight: 2 }, stored] }
  fast: { targets: [a/x, { model: b/y, weight: 3 }] }
  stored: { targets: [b/file] }
  loop: { targets: [back] }
  back: { targets: [loop] }
`,
    [{ id: 'stored', targets: ['a/hidden'] }],
  );
  expect(targetsOf(aliases['all'])).toEqual([
    ['a/x', 0.5],
    ['b/y', 1.5],
    ['b/file', 1],
  ]);
  expect(Object.keys(aliases)).toEqual(['all', 'fast', 'stored']);
  expect(warnings).toEqual([
    'The alias loop is left out: it names itself: loop → back → loop.',
    'The alias back is left out: it names itself: back → loop → back.',
  ]);
});

test('a pattern may stand for names, and hand its star on', () => {
  const { aliases, warnings } = compiled(
    'models: { "a/*": { targets: ["b/vendor/*", "a/*"] }, "fast-*": { targets: [a/x] } }',
  );
  expect(targetsOf(aliases['a/*'])).toEqual([
    ['b/vendor/*', 1],
    ['a/*', 1],
  ]);
  expect(warnings).toEqual([]);
});

test.each([
  ['models: { "a/x": { targets: [a/x] } }', 'without a slash; or a pattern'],
  ['models: { "a*b*": { targets: [a/x] } }', 'a pattern with one "*"'],
  ['models: { fast: { targets: ["a/*"] } }', 'this one has none'],
  ['models: { "f-*": { targets: ["a/*/*"] } }', 'at most one "*"'],
  ['models: { fast: { targets: [nowhere] } }', 'or another alias'],
  ['models: { fast: { strategy: best, targets: [a/x] } }', 'must be one of'],
  ['models: { fast: { targets: [a/x], fallback: [bad_request] } }', 'must be one of'],
  ['models: { fast: { targets: [{ model: a/x, when: { tag: [x] } }] } }', 'no such setting'],
])('a mistake is told: %s', (text, part) => {
  expect(mistakes(text).join()).toContain(part);
});

test('what an alias does not say is the default, with fallback on', () => {
  const { aliases } = compiled('models: { fast: { targets: [a/x] } }');
  expect(aliases['fast']).toMatchObject({ ...ROUTE_DEFAULTS });
  expect(ROUTE_DEFAULTS.fallback).toEqual(['unavailable', 'rate_limited']);
});

test('a credential may name its priority, its models, and where its secret is', () => {
  const path = join(folder, 'key');
  writeFileSync(path, 'from-a-file\n');
  const account = join(folder, 'account.json');
  writeFileSync(account, '{\n  "type": "service_account"\n}\n');
  const credentials = (list: string) =>
    parsed(`providers: { openai: { credentials: [${list}] } }`, { KEY: 'from-env' }).providers?.['openai']?.credentials;
  expect(
    credentials(
      `{ secret: "file:${path}", priority: 2, models: ["gpt-*"] }, { secret: "env:KEY" }, { secret: plain }, { secret: "file:${account}" }`,
    ),
  ).toEqual([
    { secret: 'from-a-file', priority: 2, models: ['gpt-*'] },
    { secret: 'from-env' },
    { secret: 'plain' },
    { secret: '{"type":"service_account"}' },
  ]);
});

test('a secret that is not where it is said to be is a mistake with its line, and is not repeated', () => {
  const path = join(folder, 'two-lines');
  writeFileSync(path, 'hunter2\nhunter3');
  const text = `providers:\n  openai:\n    credentials:\n      - { secret: "env:MISSING" }\n      - { secret: "file:${path}" }`;
  const found = mistakes(text);
  expect(found).toEqual([
    '4 providers.openai.credentials[0].secret: names the environment variable MISSING, which is not there or cannot be read',
    '5 providers.openai.credentials[1].secret: names a file that does not hold one line of printable ASCII',
  ]);
});

test('an alias means the same in the file and in storage', () => {
  const text = `
models:
  fast:
    strategy: weighted
    targets: [{ model: a/x, weight: 3, when: { tags: [eu] } }, b/y]
    fallback: []
    hedge: { afterMs: 800 }
    timeouts: { idleMs: 10 }
`;
  const config = parsed(text).models?.['fast'];
  expect(config).toBeDefined();
  const stored = JSON.parse(JSON.stringify({ id: 'fast', ...config })) as AliasInput;
  expect(compiled('{}', [stored]).aliases).toEqual(compiled(text).aliases);
});
