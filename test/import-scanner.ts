/**
 * Reads what a TypeScript source imports, by tokens rather than by pattern over the text, so that
 * comments, strings, templates and regular expressions that merely speak of imports do not count.
 * Small on purpose: the TypeScript 7 compiler offers no API that a test could use instead.
 */

export interface Token {
  readonly kind: 'word' | 'string' | 'template' | 'regex' | 'mark';
  /** For a string: its content, unquoted. */
  readonly text: string;
  readonly line: number;
}

export interface Import {
  /** Null when it is computed at run time. */
  readonly specifier: string | null;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const REGEX_MAY_FOLLOW = new Set(['return', 'typeof', 'case', 'in', 'of', 'await', 'yield', 'delete', 'void', 'else']);

/** The tokens of a source, comments left out. */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  // For every open `${`, how many braces are open inside of it.
  const templateDepths: number[] = [];
  let at = 0;
  let line = 1;

  const push = (kind: Token['kind'], text: string, end: number): void => {
    tokens.push({ kind, text, line });
    for (let i = at; i < end; i += 1) if (source[i] === '\n') line += 1;
    at = end;
  };

  const pushTemplate = (from: number): void => {
    const end = templateEnd(source, from);
    push('template', source.slice(from, end), end);
    if (source.startsWith('${', end - 2)) templateDepths.push(0);
  };

  while (at < source.length) {
    const rest = source.slice(at, at + 2);
    const char = source[at] ?? '';
    if (char === '\n') line += 1;
    if (/\s/.test(char)) at += 1;
    else if (rest === '//') at = indexOrEnd(source, '\n', at);
    else if (rest === '/*') {
      const end = indexOrEnd(source, '*/', at + 2) + 2;
      line += source.slice(at, end).split('\n').length - 1;
      at = end;
    } else if (char === "'" || char === '"') {
      const end = quotedEnd(source, at, char);
      push('string', source.slice(at + 1, end - 1), end);
    } else if (char === '`') {
      pushTemplate(at + 1);
    } else if (char === '}' && templateDepths.at(-1) === 0) {
      templateDepths.pop();
      pushTemplate(at + 1);
    } else if (char === '/' && regexMayStart(tokens.at(-1))) {
      const end = regexEnd(source, at);
      push('regex', source.slice(at, end), end);
    } else {
      const word = /^[\p{ID_Start}$_#@\d][\p{ID_Continue}$\u200c\u200d]*/u.exec(source.slice(at, at + 200))?.[0];
      if (word === undefined) {
        const depth = templateDepths.at(-1);
        if (depth !== undefined && char === '{') templateDepths[templateDepths.length - 1] = depth + 1;
        if (depth !== undefined && char === '}') templateDepths[templateDepths.length - 1] = depth - 1;
        push('mark', char, at + 1);
      } else push('word', word, at + word.length);
    }
  }
  return tokens;
}

/** Every import of a source: static, dynamic, re-export, `require`, `process.getBuiltinModule`. */
export function scanImports(source: string): readonly Import[] {
  const tokens = tokenize(source);
  const imports: Import[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'word') continue;
    const afterDot = isMark(tokens[i - 1], '.');
    if (token.text === 'getBuiltinModule' && isMark(tokens[i + 1], '(')) imports.push(callImport(tokens, i, false));
    else if (afterDot) continue;
    else if (token.text === 'require' && isMark(tokens[i + 1], '(')) imports.push(callImport(tokens, i, false));
    else if (token.text === 'import') {
      const found = importAt(tokens, i);
      if (found !== null) imports.push(found);
    } else if (token.text === 'export') {
      const found = reExportAt(tokens, i);
      if (found !== null) imports.push(found);
    }
  }
  return imports;
}

function importAt(tokens: readonly Token[], i: number): Import | null {
  const next = tokens[i + 1];
  // `import.meta`, and a property or method called `import`.
  if (next === undefined || isMark(next, '.') || isMark(next, ':')) return null;
  if (isMark(next, '(')) return callImport(tokens, i, isWord(tokens[i - 1], 'typeof'));
  if (next.kind === 'string') return { specifier: next.text, typeOnly: false, line: next.line };
  return fromClause(tokens, i, isTypeOnly(tokens, i));
}

function reExportAt(tokens: readonly Token[], i: number): Import | null {
  const typeOnly = isTypeOnly(tokens, i);
  const start = tokens[typeOnly ? i + 2 : i + 1];
  if (!isMark(start, '{') && !isMark(start, '*')) return null;
  return fromClause(tokens, i, typeOnly);
}

/** The `from '…'` of the statement that starts at `i`, if it has one. */
function fromClause(tokens: readonly Token[], i: number, typeOnly: boolean): Import | null {
  for (let j = i + 1; j < tokens.length; j += 1) {
    const token = tokens[j];
    const next = tokens[j + 1];
    if (isMark(token, ';') || isMark(token, '=') || isMark(token, '(')) return null;
    if (isWord(token, 'from') && next?.kind === 'string') return { specifier: next.text, typeOnly, line: next.line };
    // `export { a }` without `from` ends at its brace.
    if (isMark(token, '}') && !isWord(next, 'from')) return null;
  }
  return null;
}

/** `import type X from`, `import type { X } from`; but `import type from` imports a value named `type`. */
function isTypeOnly(tokens: readonly Token[], i: number): boolean {
  return isWord(tokens[i + 1], 'type') && !isWord(tokens[i + 2], 'from') && !isMark(tokens[i + 2], ',');
}

function callImport(tokens: readonly Token[], i: number, typeOnly: boolean): Import {
  const argument = tokens[i + 2];
  const after = tokens[i + 3];
  const literal = argument?.kind === 'string' && (isMark(after, ')') || isMark(after, ','));
  return { specifier: literal ? argument.text : null, typeOnly, line: tokens[i]?.line ?? 0 };
}

function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text;
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text;
}

/** A slash starts a regular expression where a value cannot have ended before it. */
function regexMayStart(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === 'word') return REGEX_MAY_FOLLOW.has(before.text);
  return before.kind === 'mark' && ![')', ']', '}'].includes(before.text);
}

function indexOrEnd(source: string, what: string, from: number): number {
  const index = source.indexOf(what, from);
  return index === -1 ? source.length : index;
}

function quotedEnd(source: string, start: number, quote: string): number {
  let at = start + 1;
  while (at < source.length && source[at] !== quote && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** After the closing backtick, or after the `${` that interrupts the text. */
function templateEnd(source: string, start: number): number {
  let at = start;
  while (at < source.length) {
    if (source[at] === '`') return at + 1;
    if (source.startsWith('${', at)) return at + 2;
    at += source[at] === '\\' ? 2 : 1;
  }
  return source.length;
}

function regexEnd(source: string, start: number): number {
  let at = start + 1;
  let inClass = false;
  while (at < source.length && source[at] !== '\n' && (inClass || source[at] !== '/')) {
    if (source[at] === '[') inClass = true;
    if (source[at] === ']') inClass = false;
    at += source[at] === '\\' ? 2 : 1;
  }
  return at + 1;
}
