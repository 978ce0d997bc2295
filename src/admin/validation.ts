import type { z } from 'zod';
import { AppError } from '../errors.ts';

export type Place = 'path' | 'query' | 'body';

/** One field that is not as it has to be. */
export interface FieldError {
  readonly in: Place;
  /** For example `scopes.addresses[0]`; empty for the whole. */
  readonly field: string;
  /** A sentence's end: `must be a string`. */
  readonly message: string;
}

/** An admin call's input as it arrived. */
export interface RawInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

interface Schemas<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

/** Parses the whole input at once and throws one `validation_failed` that names every mistake. */
export function parseInput<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  schemas: Schemas<Params, Query, Body>,
  raw: RawInput,
): { params: z.output<Params>; query: z.output<Query>; body: z.output<Body> } {
  const params = schemas.params.safeParse(raw.params);
  const query = schemas.query.safeParse(Object.fromEntries(raw.query));
  const body = schemas.body.safeParse(raw.body);
  const repeated = repeatedNames(raw.query);
  if (params.success && query.success && body.success && repeated.length === 0) {
    return { params: params.data, query: query.data, body: body.data };
  }
  throw validationError([
    ...fieldErrors('path', params),
    ...fieldErrors('query', query),
    ...repeated.map((field) => ({ in: 'query' as const, field, message: 'must be given only once' })),
    ...fieldErrors('body', body),
  ]);
}

/** The error for input whose form is right but which does not fit what is stored. */
export function invalidField(place: Place, field: string, message: string): AppError {
  return validationError([{ in: place, field, message }]);
}

function validationError(errors: readonly FieldError[]): AppError {
  const sentences = errors.map(
    ({ field, message, in: place }) => `${field === '' ? `the ${place}` : field} ${message}`,
  );
  return new AppError('validation_failed', {
    message: `The input is not valid: ${sentences.join('; ')}.`,
    details: { errors },
  });
}

function repeatedNames(query: URLSearchParams): readonly string[] {
  return [...new Set(query.keys())].filter((name) => query.getAll(name).length > 1);
}

function fieldErrors(place: Place, result: z.ZodSafeParseResult<unknown>): readonly FieldError[] {
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ in: place, field: fieldName([...path, key]), message: unknownField(key) }));
    }
    return [{ in: place, field: fieldName(path), message: sentence(issue) }];
  });
}

/** People who try to choose a key's value should learn why they cannot. */
function unknownField(key: string): string {
  const chosenValue = ['key', 'secret', 'value', 'customKey', 'token'].includes(key);
  return chosenValue ? 'cannot be chosen: Keyward generates it' : 'is not a known field';
}

function fieldName(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (name, step) => (typeof step === 'number' ? `${name}[${step}]` : name === '' ? step : `${name}.${step}`),
    '',
  );
}

function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined') ? 'is required' : `must be ${withArticle(issue.expected)}`;
    case 'too_small':
      if (issue.minimum === 1 && unit(issue.origin) !== '') return 'must not be empty';
      return `must be at least ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unit(issue.origin)}`;
    case 'invalid_value':
      return issue.message.endsWith('received undefined')
        ? 'is required'
        : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      // Of a union by a discriminator: which are the values that it may have.
      return 'options' in issue ? `must be one of ${(issue.options ?? []).map(String).join(', ')}` : issue.message;
    case 'invalid_format':
      return issue.format === 'datetime' ? 'must be a time such as 2030-01-31T12:00:00Z' : issue.message;
    default:
      return issue.message;
  }
}

function withArticle(type: string): string {
  if (type === 'int') return 'a whole number';
  if (type === 'null') return 'null';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters long';
  return origin === 'array' ? ' entries long' : '';
}
