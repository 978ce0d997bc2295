import { z } from 'zod';
import { configSchema } from './schema.ts';

export type ConfigPath = readonly (string | number)[];

/** A mistake at a place in the file, before its line is known. Never repeats a value: it may be a secret. */
export interface ConfigIssue {
  readonly path: ConfigPath;
  readonly message: string;
  /** Whether the path names a setting that should not be there at all: then the key is the place. */
  readonly atKey: boolean;
  /** Whether the last name of the path may be a secret that was put in the wrong place. */
  readonly nameHidden?: boolean;
}

/** What zod found, in the words of someone who edits the file. `isPresent` tells missing from wrong. */
export function describeIssues(error: z.ZodError, isPresent: (path: ConfigPath) => boolean): readonly ConfigIssue[] {
  return error.issues.flatMap((issue) => describe(issue, [], isPresent));
}

function describe(
  issue: z.core.$ZodIssue,
  base: ConfigPath,
  isPresent: (path: ConfigPath) => boolean,
): readonly ConfigIssue[] {
  const path = [...base, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => misnamed([...path, key], unknownSetting(path, key)));
    case 'invalid_key':
      return [misnamed(path, `the name ${issue.issues[0]?.message ?? 'is not valid'}`)];
    case 'invalid_union':
      return closestBranch(issue.errors).flatMap((inner) => describe(inner, path, isPresent));
    default:
      return [{ path, message: isPresent(path) ? sentence(issue) : 'is missing', atKey: false }];
  }
}

/** `credentials: [{ sk-… }]` makes a name of a secret: only names that are plain words are repeated. */
function misnamed(path: ConfigPath, message: string): ConfigIssue {
  const isWord = /^[A-Za-z]{1,32}([_-][A-Za-z]{1,32}){0,3}$/.test(String(path.at(-1)));
  return { path, message, atKey: true, nameHidden: !isWord };
}

/** Of the forms that a value may have, the one it comes closest to: whose mistakes lie deepest inside. */
function closestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  const depth = (branch: readonly z.core.$ZodIssue[]) => {
    if (branch.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0)) return -1;
    return Math.max(0, ...branch.map((issue) => issue.path.length));
  };
  return [...branches].toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
}

function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_WORDS[issue.expected] ?? 'of another type'}`;
    case 'invalid_value':
      return `must be one of: ${issue.values.map((value) => String(value)).join(', ')}`;
    case 'too_small':
      return tooSmall(issue.origin, Number(issue.minimum), issue.inclusive !== false);
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be ${issue.maximum} or less`
        : `must not be longer than ${issue.maximum}`;
    // Both have messages of our own.
    case 'invalid_format':
    case 'custom':
      return issue.message;
    default:
      return 'is not valid';
  }
}

function tooSmall(origin: string, minimum: number, inclusive: boolean): string {
  if (origin === 'number' || origin === 'int')
    return inclusive ? `must be ${minimum} or more` : `must be more than ${minimum}`;
  return 'must not be empty';
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text (put it in quotes if it looks like a number)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a block of settings',
  record: 'a block of named entries',
};

function unknownSetting(path: ConfigPath, key: string): string {
  const near = nearest(key, settingNames(path));
  return near === null ? 'there is no such setting' : `there is no such setting; did you mean "${near}"?`;
}

/** The settings that may stand at a place, out of the schema itself. */
function settingNames(path: ConfigPath): readonly string[] {
  let nodes: readonly unknown[] = [z.toJSONSchema(configSchema, { unrepresentable: 'any' })];
  for (const step of path) nodes = nodes.flatMap((node) => alternatives(node)).flatMap((node) => child(node, step));
  return nodes.flatMap((node) => alternatives(node)).flatMap((node) => Object.keys(block(block(node)['properties'])));
}

function alternatives(node: unknown): readonly unknown[] {
  const anyOf = block(node)['anyOf'];
  return Array.isArray(anyOf) ? anyOf : [node];
}

function child(node: unknown, step: string | number): readonly unknown[] {
  const { properties, additionalProperties, items } = block(node);
  if (typeof step === 'number') return items === undefined ? [] : [items];
  return [block(properties)[step] ?? additionalProperties].filter((found) => found !== undefined);
}

function block(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** The candidate that is at most a third of its letters away. */
function nearest(word: string, candidates: readonly string[]): string | null {
  const scored = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .toSorted((a, b) => a.distance - b.distance);
  return scored[0]?.candidate ?? null;
}

function editDistance(from: string, to: string): number {
  if (from.length > 64) return Infinity;
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? Infinity;
}
