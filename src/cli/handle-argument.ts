import { usageError } from './cli-error.ts';

/**
 * What a key is meant by may stand without a flag: a request id, a key id or a fingerprint. A whole
 * key may not: other users of the machine can see arguments.
 */
export function withHandleFlag(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  if (first === undefined || first.startsWith('-')) return args;
  if (first.startsWith('req_')) return ['--request-id', ...args];
  if (/^(?:kw[a-z]_(?:live|test)_)?[0-9A-Za-z]{12}$/.test(first)) return ['--fingerprint', first, ...rest];
  throw usageError(
    'This is no request id, key id or fingerprint. A whole key is given by --key-stdin or --key-env NAME, never as an argument, where others can see it.',
  );
}
