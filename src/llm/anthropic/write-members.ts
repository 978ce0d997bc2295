/** Members that many places of a request to Anthropic may have. */
import type { CacheMark, ChatRequest } from '../canonical.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';

/** `cache_control`; five minutes are what it means without a `ttl`. */
export function cacheMember(cache: CacheMark | undefined): JsonRecord {
  if (cache === undefined) return {};
  return { cache_control: { type: 'ephemeral', ...(cache.ttl === '1h' ? { ttl: '1h' } : {}) } };
}

/** Members that the caller wrote besides: for Anthropic only where the caller spoke its format. */
export function extraMembers(
  extra: JsonRecord | undefined,
  path: string,
  { extraOf }: Pick<ChatRequest, 'extraOf'>,
  report: Report,
): JsonRecord {
  return ownExtra(extra, path, { extraOf, dialect: 'anthropic', report });
}
