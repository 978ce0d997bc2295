/** Writes the manifest of the published package beside what `tsc` built: the same, but for what only a clone has. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** What the library imports; the others are of the server. */
const LIBRARY_DEPENDENCIES = ['kysely', 'zod'];
const root = join(import.meta.dirname, '..');
const { name, version, description, license, dependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
) as Manifest;

const published = {
  name,
  version,
  description,
  license,
  type: 'module',
  sideEffects: false,
  engines: { node: '>=24' },
  exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
  dependencies: Object.fromEntries(LIBRARY_DEPENDENCIES.map((needed) => [needed, dependencies[needed]])),
};
const outDir = process.argv[2] ?? join(root, 'dist');
writeFileSync(join(outDir, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
