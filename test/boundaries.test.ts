import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  databaseViolations,
  importViolations,
  nameViolations,
  portabilityViolations,
  providerIds,
  providerNameViolations,
  purityViolations,
} from './boundary-rules.ts';
import type { SourceFile } from './boundary-rules.ts';
import { scanImports } from './import-scanner.ts';

const ROOT = join(import.meta.dirname, '..');

function filesUnder(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

function readSources(): readonly SourceFile[] {
  return filesUnder('src')
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}

function readLock(): Lock {
  return JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
}

describe('the sources', () => {
  const sources = readSources();

  test('are read, and their imports seen', () => {
    expect(sources.length).toBeGreaterThan(5);
    expect(sources.flatMap((file) => scanImports(file.text)).length).toBeGreaterThan(5);
  });

  test('import only what the layout allows', () => {
    expect(importViolations(sources)).toEqual([]);
  });

  test.each(['src/keys/format.ts', 'src/keys/delegation-minter.ts', 'src/keys/inspect-key.ts', 'sdk/index.ts'])(
    'let %s run in any runtime',
    (entry) => {
      const sdk = { path: 'sdk/index.ts', text: readFileSync(join(ROOT, 'sdk/index.ts'), 'utf8') };
      expect(portabilityViolations([...sources, sdk], entry)).toEqual([]);
    },
  );

  test('do no input or output in keys, limits and llm', () => {
    expect(purityViolations(sources)).toEqual([]);
  });

  test('hold no SQL and no database in the gateway', () => {
    expect(databaseViolations(sources)).toEqual([]);
  });

  test('compare no name of a provider outside of src/providers', () => {
    expect(providerNameViolations(sources, providerIds(sources))).toEqual([]);
  });

  test('stand in files and folders whose names say something', () => {
    expect(nameViolations(['src', 'test', 'bench', 'docs'].flatMap(filesUnder))).toEqual([]);
  });
});

describe('the dependencies', () => {
  test('are pinned to exact versions, and each has its line in DEPENDENCIES.md', () => {
    const manifest = readManifest();
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    const page = readFileSync(join(ROOT, 'DEPENDENCIES.md'), 'utf8');
    expect(Object.keys(all).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    expect(Object.values(all).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('hold undici 8: a lock file written under an older Node would bring an older one', () => {
    expect(readLock().packages['node_modules/undici']?.version).toMatch(/^8\./);
  });

  test('are locked without the address of anybody’s registry', () => {
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
  });
});

describe('the scanner', () => {
  test('sees every form of import, and whether it is of types only', () => {
    const source = [
      "import a from './a.ts';",
      "import type { B } from './b.ts';",
      "import { type C } from './c.ts';",
      "import * as d from\n  './d.ts';",
      "import './e.ts';",
      "export { f } from './f.ts';",
      "export type { G } from './g.ts';",
      "export * from './h.ts';",
      "const i = await import('./i.ts');",
      'const j = await import(name);',
      "const k = require('./k.ts');",
      "type L = typeof import('./l.ts');",
      "const m = process.getBuiltinModule('node:fs');",
      "import type from './n.ts';",
    ].join('\n');
    expect(scanImports(source).map((found) => [found.specifier, found.typeOnly])).toEqual([
      ['./a.ts', false],
      ['./b.ts', true],
      ['./c.ts', false],
      ['./d.ts', false],
      ['./e.ts', false],
      ['./f.ts', false],
      ['./g.ts', true],
      ['./h.ts', false],
      ['./i.ts', false],
      [null, false],
      ['./k.ts', false],
      ['./l.ts', true],
      ['node:fs', false],
      ['./n.ts', false],
    ]);
  });

  test('is not misled by comments, strings, templates and regular expressions', () => {
    const source = [
      "// import a from './a.ts';",
      "/* import b from './b.ts'; */",
      'const c = "import c from \'./c.ts\'";',
      "const d = `import d from './d.ts' ${e(`import('./e.ts')`)} import('./f.ts')`;",
      "const g = /import h from '/.test(x) && 4 / 2 / 1;",
      'const i = import.meta.dirname;',
      "const j = { import: 'x' }; export { j }; const from = './k.ts';",
      "import real from './real.ts';",
    ].join('\n');
    expect(scanImports(source)).toEqual([{ specifier: './real.ts', typeOnly: false, line: 8 }]);
  });

  test('sees an import inside of a template’s expression', () => {
    expect(scanImports("const a = `x ${await import('./a.ts')} y`;").map((found) => found.specifier)).toEqual([
      './a.ts',
    ]);
  });
});

describe('the rules can fail', () => {
  const at = (path: string, text: string): readonly SourceFile[] => [{ path, text }];

  test.each([
    ['src/gateway/a.ts', "import { x } from '../storage/x.ts';"],
    ['src/gateway/a.ts', "import type { X } from '../admin/x.ts';"],
    ['src/admin/a.ts', "import { x } from '../gateway/x.ts';"],
    ['src/keys/a.ts', "import { x } from '../llm/x.ts';"],
    ['src/llm/deep/a.ts', "export * from '../../keys/x.ts';"],
    ['src/lib/a.ts', "import type { X } from '../keys/x.ts';"],
    ['src/providers/a.ts', "import { x } from '../config/x.ts';"],
    ['src/storage/a.ts', "import { x } from '../admin/stores.ts';"],
    ['src/storage/a.ts', "import type { X } from '../admin/server.ts';"],
    ['src/client/a.ts', "import { x } from '../admin/contract.ts';"],
    ['src/cli/keys.ts', "const { start } = await import('../main.ts');"],
    ['src/cli/keys.ts', "import { x } from '../config/x.ts';"],
    ['src/watch/a.ts', "import { x } from '../main.ts';"],
    ['src/elsewhere/a.ts', "import { x } from '../keys/x.ts';"],
    ['src/gateway/a.ts', "import { x } from '../../test/x.ts';"],
    ['src/gateway/a.ts', 'await import(path);'],
  ])('%s: %s is refused', (path, text) => {
    expect(importViolations(at(path, text))).toHaveLength(1);
  });

  test.each([
    ['src/gateway/a.ts', "import { x } from '../calls/x.ts'; import { y } from '../errors.ts'; import 'node:http';"],
    ['src/storage/a.ts', "import type { X } from '../admin/stores.ts';"],
    ['src/client/a.ts', "import type { X } from '../admin/contract.ts';"],
    ['src/cli/serve.ts', "const { start } = await import('../main.ts');"],
    ['src/cli/config.ts', "import { x } from '../config/x.ts';"],
    ['src/main.ts', "import { x } from './storage/x.ts';"],
    ['src/gateway/a.test.ts', "import { x } from '../storage/x.ts';"],
  ])('%s: %s is allowed', (path, text) => {
    expect(importViolations(at(path, text))).toEqual([]);
  });

  test('a builtin or a package reached by the key format is found, types are not', () => {
    const files = [
      { path: 'src/keys/format.ts', text: "import { crc } from '../lib/crc.ts'; import type { Z } from 'zod';" },
      { path: 'src/lib/crc.ts', text: "import { crc32 } from 'node:zlib';" },
    ];
    expect(portabilityViolations(files, 'src/keys/format.ts')).toHaveLength(1);
    expect(portabilityViolations([], 'src/keys/format.ts')).toHaveLength(1);
  });

  test.each([
    ['src/keys/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['src/llm/a.ts', "import net from 'net';"],
    ['src/keys/a.ts', "import { z } from 'zod';"],
    ['src/llm/a.ts', "await fetch('https://example.com');"],
  ])('%s: %s is input or output', (path, text) => {
    expect(purityViolations(at(path, text))).toHaveLength(1);
  });

  test.each([
    "import { Kysely } from 'kysely';",
    "import { DatabaseSync } from 'node:sqlite';",
    "run('SELECT * FROM keys');",
    'run(`DELETE FROM keys WHERE kid = ${kid}`);',
  ])('%s is no business of the gateway', (text) => {
    expect(databaseViolations(at('src/gateway/a.ts', text))).toHaveLength(1);
  });

  test.each([
    "if (target.provider === 'groq') x();",
    "if ('groq' !== id) x();",
    "switch (id) { case 'groq': x(); }",
    "if (model.startsWith('groq/')) x();",
    "if (target.provider.id === 'openai') x();",
    "switch (target.providerId) { case 'openai': x(); }",
  ])('%s compares a provider’s name', (text) => {
    const ids = providerIds([{ path: 'src/providers/x.ts', text: "{ id: 'groq' }, { id: 'openai' }" }]);
    expect(providerNameViolations(at('src/gateway/a.ts', text), ids)).toHaveLength(1);
    expect(providerNameViolations(at('src/providers/a.ts', text), ids)).toEqual([]);
  });

  test.each(["if (dialect.name === 'openai') x();", "const example = 'groq';", "x({ id: 'groq' });"])(
    '%s compares none',
    (text) => {
      expect(providerNameViolations(at('src/gateway/a.ts', text), new Set(['groq', 'openai']))).toEqual([]);
    },
  );

  test('a name that says nothing is found in files and folders', () => {
    expect(nameViolations(['src/utils/a.ts', 'src/keys/helpers.ts', 'src/keys/format.ts'])).toHaveLength(2);
  });
});
