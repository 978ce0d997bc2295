/** Who may import whom, and what else the layout promises, as functions from sources to violations. */
import { posix } from 'node:path';
import { isBuiltin } from 'node:module';
import { DIALECT_NAMES as NAMES } from '../src/llm/dialect.ts';
import { scanImports, tokenize } from './import-scanner.ts';
import type { Import } from './import-scanner.ts';

export interface SourceFile {
  /** From the root of the repository, for example `src/keys/format.ts`. */
  readonly path: string;
  readonly text: string;
}

/** `lib` and `errors` may be imported by all; what is not listed here is forbidden. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  lib: [],
  keys: [],
  limits: [],
  llm: [],
  routing: ['llm'],
  calls: [],
  providers: ['llm'],
  policies: ['keys', 'limits', 'llm'],
  config: ['keys', 'limits', 'llm', 'routing', 'providers', 'policies'],
  gateway: ['keys', 'limits', 'llm', 'routing', 'providers', 'policies', 'config', 'calls'],
  identity: ['keys', 'limits', 'config', 'providers', 'policies'],
  watch: ['keys', 'limits', 'config', 'providers', 'policies', 'calls'],
  admin: ['keys', 'limits', 'routing', 'config', 'providers', 'policies', 'calls', 'identity', 'watch'],
  embed: ['keys', 'limits', 'llm', 'routing', 'config', 'calls', 'gateway'],
  index: ['embed', 'calls', 'limits'],
  mcp: ['keys', 'policies', 'config', 'gateway', 'admin'],
  storage: ['keys', 'limits', 'calls'],
  client: [],
  cli: ['client'],
};

/** Exceptions by file: `from` a path, `to` a path or folder, `typesOnly` where only types may cross. */
const EXCEPTIONS: readonly { readonly from: RegExp; readonly to: RegExp; readonly typesOnly: boolean }[] = [
  // The control plane's ports: storage implements them, watch uses the one for call records.
  {
    from: /^src\/(storage|watch)\//,
    to: /^src\/admin\/(access-|call-|credential-|owner-|key-life-|response-)?stores\.ts$/,
    typesOnly: true,
  },
  // Why a start fails is told in one form, wherever it fails.
  { from: /^src\/storage\//, to: /^src\/config\/start-error\.ts$/, typesOnly: false },
  // The embedded engine has a composition root of its own: in one process, both planes meet there.
  { from: /^src\/embed\/create-keyward\.ts$/, to: /^src\/watch\//, typesOnly: false },
  { from: /^src\/embed\/open-storage\.ts$/, to: /^src\/storage\//, typesOnly: false },
  { from: /^src\/embed\/running\.ts$/, to: /^src\/watch\/call-log\.ts$/, typesOnly: true },
  // What a key may say and how it is shown is the same with a server and without.
  {
    from: /^src\/embed\//,
    to: /^src\/admin\/(stores|call-stores|constraint-fields|validation|fields|new-id|first-application|load-owners|key-dates|mint-key|renew-secrets|resources\/key-(view|secret))\.ts$/,
    typesOnly: false,
  },
  // How limits and money are told is the same in refusals, explanations and on the command line.
  { from: /^src\/(cli|limits)\//, to: /^src\/keys\/limit-words\.ts$/, typesOnly: false },
  { from: /^src\/storage\//, to: /^src\/embed\/storage-port\.ts$/, typesOnly: true },
  { from: /^src\/client\//, to: /^src\/admin\//, typesOnly: true },
  { from: /^src\/cli\/serve\.ts$/, to: /^src\/main\.ts$/, typesOnly: false },
  // Threads that are to read their code before the composition root is read.
  { from: /^src\/cli\/main\.ts$/, to: /^src\/gateway\/early-workers\.ts$/, typesOnly: false },
  { from: /^src\/cli\/serve\.ts$/, to: /^src\/config\//, typesOnly: false },
  // The version is written in one place.
  { from: /^src\/main\.ts$/, to: /^package\.json$/, typesOnly: false },
  // The operator's token of this machine is derived in one place for the server and the command line.
  { from: /^src\/cli\/local-token\.ts$/, to: /^src\/admin\/tokens\.ts$/, typesOnly: false },
  { from: /^src\/cli\/config[a-z-]*\.ts$/, to: /^src\/config\//, typesOnly: false },
];

const FORBIDDEN_NAMES = ['utils', 'util', 'helpers', 'common', 'shared', 'services', 'core', 'types', 'misc'];

const IO_BUILTINS = new Set(
  (
    'fs fs/promises net http https http2 tls dgram dns dns/promises child_process cluster worker_threads ' +
    'readline readline/promises repl sqlite inspector inspector/promises stream/web tty process os'
  ).split(' '),
);

const DATABASE_PACKAGES = /^(kysely|pg|postgres|better-sqlite3|sqlite3?|node:sqlite)(\/|$)/;

const SQL =
  /\b(SELECT\s[\s\S]+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|DELETE\s+FROM|UPDATE\s+\w+\s+SET|CREATE\s+TABLE|PRAGMA\s+\w)/;

const DIALECT_NAMES: ReadonlySet<string> = new Set(NAMES);

/** The folder under `src` a file belongs to, or the name of a file that stands there alone. */
function areaOf(path: string): string {
  return /^src\/([^/]+?)(\.ts)?(\/|$)/.exec(path)?.[1] ?? '';
}

/** Every import that the layout does not allow. */
export function importViolations(files: readonly SourceFile[]): readonly string[] {
  return productFiles(files).flatMap((file) =>
    scanImports(file.text)
      .filter((found) => !isAllowed(file.path, found))
      .map((found) => `${file.path}:${found.line} may not import ${describe(found)}`),
  );
}

function isAllowed(from: string, found: Import): boolean {
  if (found.specifier === null) return false;
  if (!found.specifier.startsWith('.')) return true;
  const to = posix.join(posix.dirname(from), found.specifier);
  const [fromArea, toArea] = [areaOf(from), areaOf(to)];
  if (EXCEPTIONS.some((e) => e.from.test(from) && e.to.test(to) && (found.typeOnly || !e.typesOnly))) return true;
  if (toArea === '') return false;
  if (toArea === 'main') return false;
  if (fromArea === 'main' || fromArea === toArea) return true;
  const allowed = MAY_IMPORT[fromArea];
  if (allowed === undefined) return false;
  return toArea === 'errors' || toArea === 'lib' || allowed.includes(toArea);
}

function describe(found: Import): string {
  return found.specifier === null ? 'by a computed name' : `${found.typeOnly ? 'the types of ' : ''}${found.specifier}`;
}

/** The key format, with all it reaches, must run in any runtime: no builtin of Node, no package. */
export function portabilityViolations(files: readonly SourceFile[], entry: string): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const seen = new Set<string>();
  const violations: string[] = [];
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const file = byPath.get(path);
    if (file === undefined) {
      violations.push(`${path} is not there`);
      return;
    }
    for (const found of scanImports(file.text)) {
      if (found.typeOnly) continue;
      if (found.specifier?.startsWith('.') === true) visit(posix.join(posix.dirname(path), found.specifier));
      else violations.push(`${path}:${found.line} may not import ${describe(found)}: it must run anywhere`);
    }
  };
  visit(entry);
  return violations;
}

/** `keys`, `limits`, `llm` and `routing` do no input or output; `keys` needs no package. */
export function purityViolations(files: readonly SourceFile[]): readonly string[] {
  return productFiles(files)
    .filter((file) => ['keys', 'limits', 'llm', 'routing'].includes(areaOf(file.path)))
    .flatMap((file) => [
      ...scanImports(file.text)
        .filter((found) => !found.typeOnly && isImpure(file.path, found.specifier ?? ''))
        .map((found) => `${file.path}:${found.line} may not import ${describe(found)}: it is to be pure`),
      ...fetchCalls(file),
    ]);
}

function isImpure(path: string, specifier: string): boolean {
  if (specifier.startsWith('.')) return false;
  if (isBuiltin(specifier)) return IO_BUILTINS.has(specifier.replace(/^node:/, ''));
  return areaOf(path) === 'keys';
}

function fetchCalls(file: SourceFile): readonly string[] {
  const tokens = tokenize(file.text);
  return tokens
    .filter((token, i) => {
      const isCall = tokens[i + 1]?.text === '(' && tokens[i - 1]?.text !== '.' && tokens[i - 1]?.text !== 'function';
      return token.kind === 'word' && token.text === 'fetch' && isCall;
    })
    .map((token) => `${file.path}:${token.line} may not call fetch: it is to be pure`);
}

/** The data plane knows no database. */
export function databaseViolations(files: readonly SourceFile[]): readonly string[] {
  return productFiles(files)
    .filter((file) => areaOf(file.path) === 'gateway')
    .flatMap((file) => [
      ...scanImports(file.text)
        .filter((found) => DATABASE_PACKAGES.test(found.specifier ?? ''))
        .map((found) => `${file.path}:${found.line} may not import ${describe(found)}: no SQL in the gateway`),
      ...tokenize(file.text)
        .filter((token) => (token.kind === 'string' || token.kind === 'template') && SQL.test(token.text))
        .map((token) => `${file.path}:${token.line} holds SQL`),
    ]);
}

/** The ids declared in `src/providers/`. */
export function providerIds(files: readonly SourceFile[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const file of productFiles(files)) {
    if (areaOf(file.path) !== 'providers') continue;
    for (const match of file.text.matchAll(/\bid:\s*'([a-z0-9-]+)'/g)) ids.add(match[1] ?? '');
  }
  return ids;
}

/**
 * Comparisons with a provider's name outside of `src/providers/`. A name that is a dialect's too
 * counts only where the other side of the comparison speaks of a provider.
 */
export function providerNameViolations(files: readonly SourceFile[], ids: ReadonlySet<string>): readonly string[] {
  const violations: string[] = [];
  for (const file of productFiles(files)) {
    if (areaOf(file.path) === 'providers') continue;
    const tokens = tokenize(file.text);
    for (const [i, token] of tokens.entries()) {
      if (token.kind !== 'string') continue;
      const name = token.text.replace(/\/$/, '');
      if (!ids.has(name)) continue;
      const other = comparedWith(
        tokens.map((t) => t.text),
        i,
      );
      if (other === null || (DIALECT_NAMES.has(name) && !/provider/i.test(other))) continue;
      violations.push(`${file.path}:${token.line} compares the name of a provider: '${token.text}'`);
    }
  }
  return violations;
}

/** The text on the other side of the comparison in which the token at `i` stands; null if there is none. */
function comparedWith(texts: readonly string[], i: number): string | null {
  const window = (from: number, to: number): string => texts.slice(Math.max(0, from), to).join('');
  const before = window(i - 3, i);
  const after = window(i + 1, i + 4);
  if (/[=!]==?$/.test(before)) return window(i - 12, i);
  if (/^[=!]=/.test(after)) return window(i + 1, i + 12);
  if (/\.(includes|startsWith|endsWith|has|indexOf)\($/.test(window(i - 3, i))) return window(i - 9, i);
  if (texts[i - 1] === 'case') {
    const start = texts.lastIndexOf('switch', i);
    return start === -1 ? '' : window(start, texts.indexOf('{', start));
  }
  return null;
}

/** Files and folders whose name says nothing. */
export function nameViolations(paths: readonly string[]): readonly string[] {
  return paths.filter((path) =>
    path.split('/').some((part) => FORBIDDEN_NAMES.includes(part.replace(/(\.test)?\.ts$/, ''))),
  );
}

function productFiles(files: readonly SourceFile[]): readonly SourceFile[] {
  return files.filter((file) => !file.path.endsWith('.test.ts'));
}
