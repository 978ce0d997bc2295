/** Members that many places of a request to Anthropic may have. */
import type { CacheMark, ChatRequest } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';

/** `cache_control`; five minutes are what it means without a `ttl`. */
export function cacheMember(cache: CacheMark | undefined): JsonRecord {
  if (cache === undefined) return {};
  return { cache_control: cache.ttl === '1h' ? { type: 'ephemeral', ttl: '1h' } : { type: 'ephemeral' } };
}

/** Members that the caller wrote besides: for Anthropic only where the caller spoke its format. */
export function extraMembers(
  extra: JsonRecord | undefined,
  path: string,
  { extraOf }: Pick<ChatRequest, 'extraOf'>,
  report: Report,
): JsonRecord {
  if (extra === undefined) return {};
  if (extraOf === 'anthropic') return extra;
  for (const name of Object.keys(extra))
    report.dropped(path === '' ? name : `${path}.${name}`, 'the provider does not know it');
  return {};
}
