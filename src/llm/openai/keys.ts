/** Names that OpenAI takes up to a length: who the end user is, and what keeps calls at one cache. */
import { digest } from '../call-ids.ts';
import type { Report } from '../report.ts';

const LENGTH_MAX = 64;
const DIGEST_LENGTH = 40;

/** `user`; coding agents write far longer ones than OpenAI and the vendors after it take. */
export function fitUser(user: string, report: Report): string {
  if (user.length <= LENGTH_MAX) return user;
  report.approximated('user', `the provider takes ${LENGTH_MAX} characters: a digest goes instead`);
  return digest(user, DIGEST_LENGTH);
}

/** `prompt_cache_key`: a digest keeps a conversation at one cache as well as the key itself. */
export function fitCacheKey(key: string): string {
  return key.length <= LENGTH_MAX ? key : digest(key, DIGEST_LENGTH);
}
