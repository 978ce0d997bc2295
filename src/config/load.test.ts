import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { formatConfigErrors, loadConfig, parseConfig } from './load.ts';

const SECRET = 'sk-very-secret-0123456789';
const env = { OPENAI_API_KEY: SECRET, PORT: '9000' };

function errorsOf(text: string): string {
  const result = parseConfig({ text, file: '/etc/keyward/keyward.yaml', env });
  return result.ok ? '' : formatConfigErrors(result.errors);
}

function configOf(text: string) {
  const result = parseConfig({ text, file: 'keyward.yaml', env });
  if (!result.ok) throw new Error(formatConfigErrors(result.errors));
  return result.config;
}

test('a file with everything in it is read', () => {
  const config = configOf(`
providers:
  openai:
    credentials:
      - { secret: "\${OPENAI_API_KEY}", weight: 2 }
      - { secret: plain, name: second }
  anthropic: { baseUrl: "http://127.0.0.1:9101", credentials: [{ secret: x }] }
  sandbox:
  house:
    dialect: [openai, openai-responses]
    baseUrl: http://127.0.0.1:9100/v1
    models: [{ id: tiny, price: { input: 0.1, output: 0.2 } }, other]
models:
  fast:
    strategy: priority
    targets: [{ model: openai/gpt-4o-mini, weight: 1 }, anthropic/claude-haiku-4-5]
gateway: { bodyBytesMax: 1048576, allowKeyInQuery: true }
listen: { host: 0.0.0.0, port: "\${PORT}", adminPort: 0, tls: { cert: a.pem, key: b.pem } }
workers: 2
logLevel: warn
`);
  expect(config.providers?.['openai']?.credentials).toEqual([
    { secret: SECRET, weight: 2 },
    { secret: 'plain', name: 'second' },
  ]);
  expect(config.providers?.['sandbox']).toEqual({});
  expect(config.listen).toEqual({ host: '0.0.0.0', port: 9000, adminPort: 0, tls: { cert: 'a.pem', key: 'b.pem' } });
  expect(config.models?.['fast']?.targets).toHaveLength(2);
  expect(config.gateway).toEqual({ bodyBytesMax: 1048576, allowKeyInQuery: true });
});

test.each(['', '# nothing but a comment\n', '---\n', '{}'])('an empty file declares nothing: %j', (text) => {
  expect(configOf(text)).toEqual({});
});

test.each<readonly [string, string]>([
  ['provider: {}', 'keyward.yaml:1:1 provider: there is no such setting; did you mean "providers"?'],
  [
    'providers:\n  openai:\n    credentials:\n      - { secrt: x }',
    [
      'keyward.yaml:4:9 providers.openai.credentials[0].secret: is missing',
      'keyward.yaml:4:11 providers.openai.credentials[0].secrt: there is no such setting; did you mean "secret"?',
    ].join('\n'),
  ],
  [
    'listen:\n  adminport: 1\n',
    'keyward.yaml:2:3 listen.adminport: there is no such setting; did you mean "adminPort"?',
  ],
  ['gateway:\n  zzz: 1\n', 'keyward.yaml:2:3 gateway.zzz: there is no such setting'],
  [
    'models:\n  fast:\n    targets:\n      - { modl: openai/x }',
    [
      'keyward.yaml:4:9 models.fast.targets[0].model: is missing',
      'keyward.yaml:4:11 models.fast.targets[0].modl: there is no such setting; did you mean "model"?',
    ].join('\n'),
  ],
  [
    'providers:\n  Open_AI: {}\n',
    'keyward.yaml:2:3 providers.Open_AI: the name must be lower-case letters, digits and hyphens, and begin with a letter or digit',
  ],
  [
    'providers:\n  house:\n    dialect: soap\n    baseUrl: http://h\n',
    'keyward.yaml:3:14 providers.house.dialect: must be one of: openai, openai-responses, anthropic, gemini, bedrock, cohere, mistral, replicate',
  ],
  [
    'providers: { sandbox: { models: [{ id: x, price: { input: 1, output: 2, changes: [{ input: 1, output: 1 }] } }] } }',
    'keyward.yaml:1:83 providers.sandbox.models[0].price.changes[0]: must have "from", "daily" or both',
  ],
  [
    'providers: { sandbox: { models: [{ id: x, price: { input: 1, output: 2, batch: 2 } }] } }',
    'keyward.yaml:1:80 providers.sandbox.models[0].price.batch: must be 1 or less',
  ],
  ['workers: many', 'keyward.yaml:1:10 workers: must be a number'],
  ['workers: 0', 'keyward.yaml:1:10 workers: must be 1 or more'],
  ['workers: 1.5', 'keyward.yaml:1:10 workers: must be a whole number'],
  ['listen: { port: 70000 }', 'keyward.yaml:1:17 listen.port: must be 65535 or less'],
  ['listen: { host: 1 }', 'keyward.yaml:1:17 listen.host: must be text (put it in quotes if it looks like a number)'],
  ['gateway: { allowKeyInQuery: yes please }', 'keyward.yaml:1:29 gateway.allowKeyInQuery: must be true or false'],
  ['providers: [a]', 'keyward.yaml:1:1 providers: must be a block of named entries'],
  ['- a', 'keyward.yaml:1:1 must be a block of settings'],
  ['logLevel: loud', 'keyward.yaml:1:11 logLevel: must be one of: trace, debug, info, warn, error, fatal, silent'],
  ['workers: 1\nworkers: 2', 'keyward.yaml:2:1 this setting is there twice'],
  [
    'providers:\n  openai:\n    credentials: [{ secret: "${NOT_SET}" }]\n',
    'keyward.yaml:3:29 providers.openai.credentials[0].secret: refers to the environment variable NOT_SET, which is not set',
  ],
  ['models:\n  fast:\n    targets: []\n', 'keyward.yaml:3:5 models.fast.targets: must not be empty'],
  [
    'models:\n  fast:\n    targets: [gpt-4o]\n',
    'keyward.yaml:3:15 models.fast.targets[0]: must be a model as provider/name, for example openai/gpt-4o-mini, or another alias',
  ],
  [
    'providers:\n  house: { baseUrl: "http://h" }\n',
    'keyward.yaml:2:3 providers.house: is not a built-in provider, so it needs "dialect": the wire format it speaks',
  ],
  [
    'providers:\n  house: { dialect: openai }\n',
    'keyward.yaml:2:3 providers.house: is not a built-in provider, so it needs "baseUrl"',
  ],
  [
    'providers:\n  openai: { dialect: gemini }\n',
    'keyward.yaml:2:22 providers.openai.dialect: is known for a built-in provider; choose another name for one of your own',
  ],
  [
    'providers:\n  openai: { baseUrl: "ftp://h" }\n',
    'keyward.yaml:2:22 providers.openai.baseUrl: must begin with http:// or https://',
  ],
  [
    'providers:\n  sandbox: { baseUrl: "http://h" }\n',
    'keyward.yaml:2:3 providers.sandbox: answers inside the gateway: it takes neither "baseUrl" nor "credentials"',
  ],
  ['a: [', 'keyward.yaml:1:5 the indentation does not fit, or a bracket is not closed'],
  ['workers: 1\n---\nworkers: 2', 'keyward.yaml:2:1 the file holds more than one document'],
])('a mistake is told with its line: %j', (text, expected) => {
  expect(errorsOf(text)).toBe(expected);
});

test('all mistakes of a file are told at once, in the order of the lines', () => {
  const lines = errorsOf('workers: 0\nlogLevel: x\nlisten:\n  port: -1\n').split('\n');
  expect(lines.map((line) => line.split(' ')[0])).toEqual([
    'keyward.yaml:1:10',
    'keyward.yaml:2:11',
    'keyward.yaml:4:9',
  ]);
});

test('a mistake under an anchor is told where the anchor is', () => {
  const text = 'providers:\n  openai: { credentials: &pool [{ secret: 5 }] }\n  anthropic: { credentials: *pool }\n';
  expect(errorsOf(text)).toMatch(/^keyward\.yaml:2:43 providers\.openai\.credentials\[0\]\.secret: must be text/);
  expect(errorsOf(text)).toMatch(/keyward\.yaml:2:43 providers\.anthropic\.credentials\[0\]\.secret: must be text/);
});

test('anchors cannot multiply without bound', () => {
  const levels = Array.from({ length: 12 }, (_, index) => `a${index}: &a${index} [${`*a${index - 1},`.repeat(9)}]`);
  const bomb = ['a-1: &a-1 [x]', ...levels].join('\n');
  expect(errorsOf(bomb)).toBe('keyward.yaml:1:1 the file uses anchors more than 100 times');
});

test.each([
  `providers: { openai: { credentials: [{ secret: ${SECRET}, weight: -1 }] } }`,
  `providers: { openai: { credentials: [{ secret: { ${SECRET}: 1 } }] } }`.replace(`${SECRET}: 1`, `x: ${SECRET}`),
  `providers: { openai: { credentials: ${SECRET} } }`,
  `providers: { openai: { credentials: [${SECRET}] } }`,
  `providers:\n  openai:\n    credentials:\n      - secret: *${SECRET}`,
  `providers:\n  openai:\n    credentials:\n      - secret: "${SECRET}`,
  `providers:\n  openai:\n    credentials:\n      - secret: '${SECRET}' ${SECRET}`,
  `providers:\n  openai:\n   credentials:\n      - secret: @${SECRET}`,
  `providers:\n  openai:\n\tcredentials: ${SECRET}`,
  `providers:\n  openai:\n    credentials:\n      - secret: "${SECRET}\\q"`,
  `providers: { openai: { credentials: [{ secret: "${SECRET}\\n" }] } }`,
  `providers: { openai: { baseUrl: "https://user:${SECRET}@host" } }`,
  `providers: { openai: { baseUrl: "https://host?key=${SECRET}" } }`,
  `providers: { openai: { credentials: [{ ${SECRET} }] } }`,
  `providers: { openai: { credentials: { ${SECRET}: } } }`,
  `providers: { openai: { ${SECRET}: x } }`,
  `providers: { SK-${SECRET}: {} }`,
  `? { ${SECRET}: x }\n: y`,
  `workers: ${SECRET}\nlogLevel: ${SECRET}`,
  `providers: { openai: { credentials: [{ secret: "\${OPENAI_API_KEY}", weight: -1 }] } }`,
  `providers: { openai: { credentials: [{ secret: "\${OPENAI_API_KEY} \${NOPE}" }] } }`,
])('no error repeats a secret value: %#', (text) => {
  const told = errorsOf(text);
  expect(told).not.toBe('');
  expect(told).not.toContain(SECRET);
});

test('no text makes the reader throw, and every error has a place inside the file', () => {
  const piece = fc.constantFrom(
    'providers',
    'models',
    'openai',
    ':',
    ' ',
    '\n',
    '  ',
    '-',
    '{',
    '}',
    '[',
    ']',
    '&a',
    '*a',
    '"',
    '${',
    '}',
    'x',
    '1',
    '#',
    '|',
    '?',
    '!',
    '%',
    '\t',
    '__proto__',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
      ),
      (text) => {
        const result = parseConfig({ text, file: 'keyward.yaml', env });
        const lines = text.split('\n').length;
        if (!result.ok) for (const error of result.errors) expect(error.line <= lines && error.line >= 1).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('a file is read from disk, and one that cannot be read is an error without a throw', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'keyward.yaml'), 'workers: 3');
  expect(loadConfig(join(folder, 'keyward.yaml'), {})).toEqual({ ok: true, config: { workers: 3 } });
  const missing = loadConfig(join(folder, 'none.yaml'), {});
  expect(missing.ok ? '' : formatConfigErrors(missing.errors)).toBe('none.yaml:1:1 the file cannot be read (ENOENT)');
});
