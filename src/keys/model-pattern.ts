/** Patterns over `provider/name` and aliases. `*` stands for any run of characters, slashes too. */
import type { Glob } from './glob.ts';
import { compileGlob, matchesGlob } from './glob.ts';

/** A compiled list of patterns: a name matches the list when it matches any of them. */
export interface ModelPatterns {
  readonly exact: ReadonlySet<string>;
  readonly globs: readonly Glob[];
  /** Patterns that could not be read; they match nothing. */
  readonly invalid: readonly string[];
}

export type ParsedModelPattern =
  | { readonly ok: true; readonly pattern: string; readonly hasStar: boolean }
  | { readonly ok: false; readonly reason: string };

const PATTERN_LENGTH_MAX = 256;
/** Signs of other pattern languages (`?`, `[`, `|`, …) are refused rather than taken literally. */
const PATTERN_FORM = /^[A-Za-z0-9._:/@+~=*-]+$/;

/** Checks one pattern; the reason is a sentence for whoever wrote it. */
export function parseModelPattern(text: string): ParsedModelPattern {
  if (text.length === 0) return { ok: false, reason: 'a model pattern must not be empty' };
  if (text.length > PATTERN_LENGTH_MAX) {
    return { ok: false, reason: `a model pattern has at most ${PATTERN_LENGTH_MAX} characters` };
  }
  if (!PATTERN_FORM.test(text)) {
    return {
      ok: false,
      reason: 'a model pattern is made of letters, digits, . _ : / @ + ~ = - and * (any run of characters)',
    };
  }
  return { ok: true, pattern: text, hasStar: text.includes('*') };
}

/** Compiles a list. Patterns that cannot be read are listed in `invalid`, and match nothing. */
export function compileModelPatterns(texts: readonly string[]): ModelPatterns {
  const exact = new Set<string>();
  const globs: Glob[] = [];
  const invalid: string[] = [];
  for (const text of texts) {
    const parsed = parseModelPattern(text);
    if (!parsed.ok) invalid.push(text);
    else if (parsed.hasStar) globs.push(compileGlob(text));
    else exact.add(text);
  }
  return { exact, globs, invalid };
}

const compiledLists = new WeakMap<readonly string[], ModelPatterns>();

/** {@link compileModelPatterns}, once per list: for lists of a snapshot, which are never changed in place. */
export function modelPatternsOf(texts: readonly string[]): ModelPatterns {
  const known = compiledLists.get(texts);
  if (known !== undefined) return known;
  const compiled = compileModelPatterns(texts);
  compiledLists.set(texts, compiled);
  return compiled;
}

/** Whether a model's or an alias's name matches any of the patterns. Case counts. */
export function matchesModel(patterns: ModelPatterns, name: string): boolean {
  if (patterns.exact.has(name)) return true;
  for (const glob of patterns.globs) {
    if (matchesGlob(glob, name)) return true;
  }
  return false;
}
