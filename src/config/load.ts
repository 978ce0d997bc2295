import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { LineCounter, isAlias, isMap, isNode, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { Document, Node, YAMLError } from 'yaml';
import { checkConfig } from './config-checks.ts';
import { describeIssues } from './config-issues.ts';
import type { ConfigPath } from './config-issues.ts';
import { expandReferences } from './env-references.ts';
import { configSchema } from './schema.ts';
import type { ParsedConfig } from './schema.ts';
import { fetchSecrets } from './secret-sources.ts';

const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Aliases multiply: a few lines can name billions of nodes. */
const ALIASES_MAX = 100;

/** A mistake and its place. Never holds a value of the file. */
export interface ConfigError {
  /** Name of the file, without its folder. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** For example `providers.openai.credentials[0].secret`; empty where the mistake has no setting. */
  readonly path: string;
  readonly message: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: ParsedConfig }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

export interface ConfigText {
  readonly text: string;
  /** Path or name, for the errors. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Reads and checks a configuration file. */
export function loadConfig(path: string, env: ConfigText['env']): ConfigResult {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return failed(basename(path), `the file cannot be read (${code})`);
  }
  return parseConfig({ text, file: path, env });
}

/** Checks the text of a configuration file: all mistakes at once, each with its line. */
export function parseConfig({ text, file, env }: ConfigText): ConfigResult {
  const name = basename(file);
  if (Buffer.byteLength(text) > FILE_BYTES_MAX) return failed(name, 'the file is larger than 4 MiB');
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    // Both would repeat pieces of the file, the second on the console.
    prettyErrors: false,
    logLevel: 'error',
  });
  const error = (offset: number, path: ConfigPath, message: string): ConfigError => {
    const { line, col } = lines.linePos(offset);
    return { file: name, line: Math.max(1, line), column: Math.max(1, col), path: formatPath(path), message };
  };

  const syntax = [...document.errors, ...document.warnings].map((found) =>
    error(found.pos[0], [], yamlSentence(found)),
  );
  if (syntax.length > 0) return { ok: false, errors: syntax };

  const references = expandAll(document, env).map(({ offset, path, reason }) => error(offset, path, reason));
  if (references.length > 0) return { ok: false, errors: references };

  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch {
    // yaml throws a ReferenceError with the alias's name for exactly one reason here: too many of them.
    return failed(name, `the file uses anchors more than ${ALIASES_MAX} times`);
  }

  const parsed = configSchema.safeParse(value ?? {});
  const fetched = parsed.success ? fetchSecrets(parsed.data, env) : null;
  const issues = parsed.success
    ? [...checkConfig(parsed.data), ...(fetched?.issues ?? [])]
    : describeIssues(parsed.error, (path) => resolve(document, path).complete);
  if (fetched !== null && issues.length === 0) return { ok: true, config: fetched.config };
  const errors = issues.map(({ path, message, atKey, nameHidden }) =>
    error(offsetOf(document, path, atKey), nameHidden === true ? path.slice(0, -1) : path, message),
  );
  return { ok: false, errors: errors.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

/** One line an error: `keyward.yaml:12:5 providers.openai.credentials[0].secret: is missing`. */
export function formatConfigErrors(errors: readonly ConfigError[]): string {
  return errors
    .map(
      ({ file, line, column, path, message }) =>
        `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`,
    )
    .join('\n');
}

function failed(file: string, message: string): ConfigResult {
  return { ok: false, errors: [{ file, line: 1, column: 1, path: '', message }] };
}

interface ReferenceMistake {
  readonly offset: number;
  readonly path: ConfigPath;
  readonly reason: string;
}

/** Fills in the references of every text in place; keys are left alone. */
function expandAll(document: Document, env: ConfigText['env']): readonly ReferenceMistake[] {
  const mistakes: ReferenceMistake[] = [];
  visit(document, {
    Scalar: (key, node, ancestors) => {
      if (key === 'key' || typeof node.value !== 'string') return;
      const result = expandReferences(node.value, env);
      if (result.ok) node.value = result.text;
      else mistakes.push({ offset: node.range?.[0] ?? 0, path: pathOf(key, node, ancestors), reason: result.reason });
    },
  });
  return mistakes;
}

function pathOf(key: number | 'key' | 'value' | null, node: Node, ancestors: readonly unknown[]): ConfigPath {
  const chain = [...ancestors, node];
  return chain.flatMap((ancestor, index): (string | number)[] => {
    if (isPair(ancestor)) return isScalar(ancestor.key) ? [String(ancestor.key.value)] : [];
    const parent = chain[index - 1];
    return isSeq(parent) ? [parent.items.indexOf(ancestor)] : [];
  });
}

interface Resolved {
  readonly node: Node | null;
  /** The key by which the node is named. */
  readonly key: Node | null;
  /** Whether the whole path is there, or the node is only the nearest above. */
  readonly complete: boolean;
}

/** Follows a path through the file, and through its anchors. */
function resolve(document: Document, path: ConfigPath): Resolved {
  let found: Resolved = { node: isNode(document.contents) ? document.contents : null, key: null, complete: true };
  for (const step of path) {
    const node = isAlias(found.node) ? (found.node.resolve(document) ?? null) : found.node;
    const next = childOf(node, step);
    if (next === null) return { ...found, complete: false };
    found = next;
  }
  return found;
}

function childOf(node: Node | null, step: string | number): Resolved | null {
  if (isSeq(node)) {
    const item = typeof step === 'number' ? node.items[step] : undefined;
    return isNode(item) ? { node: item, key: null, complete: true } : null;
  }
  if (!isMap(node)) return null;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (pair === undefined) return null;
  return { node: isNode(pair.value) ? pair.value : null, key: isNode(pair.key) ? pair.key : null, complete: true };
}

function offsetOf(document: Document, path: ConfigPath, atKey: boolean): number {
  const { node, key, complete } = resolve(document, path);
  // What is missing is missing under its parent's name; a block begins at its name too.
  const place = atKey || !complete || isMap(node) || isSeq(node) ? (key ?? node) : (node ?? key);
  return place?.range?.[0] ?? 0;
}

function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** yaml's own sentences repeat pieces of the file, which may be secrets: ours tell the kind only. */
function yamlSentence(error: YAMLError): string {
  return YAML_SENTENCES[error.code] ?? 'is not valid YAML here';
}

const YAML_SENTENCES: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  BAD_ALIAS: 'an alias (*name) has no anchor (&name) before it; put text that begins with * in quotes',
  BAD_INDENT: 'the indentation does not fit, or a bracket is not closed',
  BAD_SCALAR_START: 'a value begins with a character that needs quotes around it',
  BLOCK_AS_IMPLICIT_KEY: 'a block stands where one line is needed; put text with ": " in quotes',
  DUPLICATE_KEY: 'this setting is there twice',
  MISSING_CHAR: 'a character is missing, for example a closing quote or bracket, or the space after a colon',
  MULTILINE_IMPLICIT_KEY: 'a name goes over several lines; is a colon missing?',
  MULTIPLE_DOCS: 'the file holds more than one document',
  TAB_AS_INDENT: 'indentation is made of spaces, not tabs',
  UNEXPECTED_TOKEN: 'something stands here that does not belong to the value; put it in quotes',
};
