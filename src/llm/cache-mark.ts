import type { CacheMark } from './canonical.ts';
import type { Report } from './report.ts';

/** For providers that keep prompts without being told to: the mark does not go, and what it asks for is done. */
export function reportCacheMark({ cache }: { readonly cache?: CacheMark }, report: Report): void {
  if (cache !== undefined) report.approximated('cache_control', 'the provider caches prompts by itself');
}
