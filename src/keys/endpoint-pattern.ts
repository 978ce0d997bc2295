/**
 * Patterns over method and path, such as `POST /v1/chat/*` or `* /v1/*`. `*` stands for any method,
 * and in the path for any run of characters, slashes too.
 */
import type { Glob } from './glob.ts';
import { compileGlob, matchesGlob } from './glob.ts';

export interface EndpointPattern {
  /** Null: any. */
  readonly method: string | null;
  readonly path: Glob;
}

export type ParsedEndpointPattern =
  | { readonly ok: true; readonly pattern: EndpointPattern }
  | { readonly ok: false; readonly reason: string };

/** How an endpoint stands to a list of patterns: the method alone may be what is refused. */
export type EndpointMatch = 'matches' | 'other-method' | 'other-path';

const FORM = /^(\*|[A-Z]{1,20}) (\/[\x21-\x7e]*|\*)$/;

/** Checks one pattern; the reason is a sentence for whoever wrote it. */
export function parseEndpointPattern(text: string): ParsedEndpointPattern {
  const [, method, path] = FORM.exec(text) ?? [];
  if (method === undefined || path === undefined) {
    return { ok: false, reason: 'an endpoint is a method and a path, such as "POST /v1/chat/*" or "* /v1/*"' };
  }
  return { ok: true, pattern: { method: method === '*' ? null : method, path: compileGlob(path) } };
}

export function matchEndpoint(patterns: readonly EndpointPattern[], method: string, path: string): EndpointMatch {
  let match: EndpointMatch = 'other-path';
  for (const pattern of patterns) {
    if (!matchesGlob(pattern.path, path)) continue;
    if (pattern.method === null || pattern.method === method) return 'matches';
    match = 'other-method';
  }
  return match;
}
