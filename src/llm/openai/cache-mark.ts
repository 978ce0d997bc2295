/** `cache_control` as Anthropic has it: an extension of this dialect that several clients and vendors speak. */
import type { CacheMark } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';

/** The mark that the caller set, as a member to spread; nothing where there is none. */
export function readCacheMark(...values: readonly unknown[]): { readonly cache?: CacheMark } {
  const mark = values.find(isRecord);
  return mark === undefined ? {} : { cache: { ttl: mark['ttl'] === '1h' ? '1h' : '5m' } };
}

/** Five minutes are what it means without a `ttl`. */
export function writeCacheMark({ ttl }: CacheMark): JsonRecord {
  return { type: 'ephemeral', ...(ttl === '1h' && { ttl }) };
}
