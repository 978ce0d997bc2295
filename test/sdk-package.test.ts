import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDelegationPolicy } from '../src/keys/delegation-policy.ts';
import { delegationPublicKeyOf } from '../src/keys/delegation-public-key.ts';
import { createDelegationVerifier } from '../src/keys/delegation-verifier.ts';
import { generateKey } from '../src/keys/format.ts';
import { scanImports } from './import-scanner.ts';

const ROOT = join(import.meta.dirname, '..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const key = generateKey({ type: 'kwk', environment: 'live' });
/** A program's folder with the package installed as npm would install it. */
const home = mkdtempSync(join(tmpdir(), 'keyward-sdk-'));
const installed = join(home, 'node_modules/@keyward/keys');

interface Manifest {
  readonly version: string;
  readonly dependencies?: object;
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}

function run(file: string, args: readonly string[]): string {
  const env = { ...process.env, KEYWARD_KEY: key.text, KEYWARD_AUDIENCE: 'dep_1' };
  return execFileSync(process.execPath, [file, ...args], { cwd: home, env, encoding: 'utf8' });
}

beforeAll(() => {
  mkdirSync(installed, { recursive: true });
  run(TSC, ['-p', join(ROOT, 'sdk'), '--outDir', join(installed, 'dist')]);
  cpSync(join(ROOT, 'sdk/package.json'), join(installed, 'package.json'));
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('@keyward/keys, built', () => {
  test('imports no package and no builtin of Node: it runs anywhere', () => {
    const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' });
    const scripts = files.filter((file) => file.endsWith('.js'));
    const specifiers = scripts.flatMap((file) =>
      scanImports(readFileSync(join(installed, 'dist', file), 'utf8')).map((found) => found.specifier),
    );
    expect(scripts.length).toBeGreaterThan(10);
    expect(specifiers.length).toBeGreaterThan(10);
    expect(specifiers.filter((specifier) => specifier?.startsWith('.') !== true)).toEqual([]);
  });

  test('has no dependencies, and the version of the product', () => {
    const manifest = readManifest(join(ROOT, 'sdk/package.json'));
    expect(manifest.dependencies).toBeUndefined();
    expect(manifest.version).toBe(readManifest(join(ROOT, 'package.json')).version);
  });

  test.each(['sdk/README.md', 'docs/guide/delegated-keys.md'])(
    'mints, by the program in %s, a key that the server accepts',
    (page) => {
      const program = /```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, page), 'utf8'))?.[1] ?? '';
      writeFileSync(join(home, 'program.mjs'), program.replace('./sdk/dist/sdk/index.js', '@keyward/keys'));
      const text = run('program.mjs', []).trim();
      const verifier = createDelegationVerifier({ clock: { now: () => Date.now() } });
      const policy = createDelegationPolicy('dep_1', delegationPublicKeyOf(key.secret));
      expect(verifier.verify(text, { kid: key.kid, policy }, '192.0.2')).toMatchObject({
        ok: true,
        claims: { scopes: { models: ['sandbox/*'] }, limits: { requestsPerMinute: 10 }, group: 'session:4711' },
      });
    },
  );

  test('brings types that a program of another project compiles against, without those of Node', () => {
    const program = [
      "import { inspectKey, openKey, type MintOptions } from '@keyward/keys';",
      "const options: MintOptions = { audience: 'a', ttlSeconds: 1, limits: { uses: 1 } };",
      "const opened = await openKey('');",
      'export const minted = opened.ok ? await opened.minter.mint(options) : opened.code;',
      "const inspected = inspectKey('');",
      "export const exp: number | null = inspected.ok && inspected.type === 'kwd' ? inspected.claims.expiresAtMs : null;",
      '// @ts-expect-error: a scope that does not exist',
      "export const wrong: MintOptions = { audience: 'a', ttlSeconds: 1, scopes: { model: [] } };",
    ];
    writeFileSync(join(home, 'program.mts'), program.join('\n'));
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--types',
      '',
      '--lib',
      'es2022',
    ];
    expect(run(TSC, [...options, 'program.mts'])).toBe('');
  });
});
