import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
/** A program's folder with the package and its dependencies installed as npm would. */
const home = mkdtempSync(join(tmpdir(), 'keyward-package-'));
const installed = join(home, 'node_modules/keyward');

function run(file: string, args: readonly string[] = []): string {
  return execFileSync(process.execPath, [file, ...args], { cwd: home, encoding: 'utf8' });
}

beforeAll(() => {
  mkdirSync(installed, { recursive: true });
  run(TSC, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', installed]);
  run(join(ROOT, 'build/manifest.ts'), [installed]);
  for (const needed of ['kysely', 'zod']) {
    symlinkSync(join(ROOT, 'node_modules', needed), join(home, 'node_modules', needed));
  }
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the built package', () => {
  test('runs without the sources, on nothing but what its manifest names', () => {
    writeFileSync(
      join(home, 'program.mjs'),
      `import { createKeyward } from 'keyward';
       const keyward = await createKeyward({ storage: './data' });
       const { key } = await keyward.keys.create({ name: 'x' });
       console.log((await keyward.verify(key)).code);
       await keyward.close();`,
    );
    expect(run('program.mjs').trim()).toBe('ok');
    expect(
      readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.d)\.ts$/.test(name)),
    ).toEqual([]);
  });

  test('brings types that a strict program of another project compiles against', () => {
    symlinkSync(join(ROOT, 'node_modules/@types'), join(home, 'node_modules/@types'));
    symlinkSync(join(ROOT, 'node_modules/undici-types'), join(home, 'node_modules/undici-types'));
    writeFileSync(
      join(home, 'program.mts'),
      `import { createServer } from 'node:http';
       import { createKeyward, type KeywardVerdict, type Policy } from 'keyward';
       const policy: Policy = ({ tags }) => (tags.includes('no') ? { message: 'No.' } : undefined);
       const keyward = await createKeyward({ storage: ':memory:', policies: [policy] });
       const { key, kid } = await keyward.keys.create({
         name: 'x',
         real: { secret: process.env['KEY'], baseUrl: 'https://api.example.com' },
         limits: { uses: 1, budgets: [{ usd: 1, period: 'day' }] },
       });
       const verdict: KeywardVerdict = await keyward.verify(key, { method: 'POST' });
       const resolved = await keyward.resolve(key, { credential: '' });
       export const told: string = resolved.ok ? resolved.secret : resolved.code;
       createServer(keyward.handler());
       await keyward.keys.rotate(kid, { overlap: '1h' });
       // @ts-expect-error: a limit that does not exist
       await keyward.keys.create({ name: 'x', limits: { requestsPerYear: 1 } });
       // @ts-expect-error: a verdict is no boolean
       export const allowed: boolean = verdict;`,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
    expect(run(TSC, [...options, '--skipLibCheck', 'program.mts'])).toBe('');
  });
});
