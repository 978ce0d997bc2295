/** `npm run generate`: writes what is derived from the endpoints and the error rows. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format } from 'oxfmt';
import { cliPage, errorsPage, openApiText, operationsSource } from './reference.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Path from the root of the repository → content, of every generated file. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const manifest = readJson('package.json');
  return new Map([
    ['src/client/operations.ts', await formatted('operations.ts', operationsSource())],
    ['docs/reference/openapi.json', openApiText(String(manifest['version']))],
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/cli.md', cliPage()],
  ]);
}

async function formatted(name: string, source: string): Promise<string> {
  const { $schema: _schema, ignorePatterns: _ignore, ...style } = readJson('.oxfmtrc.json');
  const { code, errors } = await format(name, source, style);
  if (errors.length > 0) throw new Error(`generated source is not valid: ${errors[0]?.message}`);
  return code;
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Record<string, unknown>;
}

if (import.meta.main) {
  for (const [path, content] of await generatedFiles()) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), content);
  }
}
