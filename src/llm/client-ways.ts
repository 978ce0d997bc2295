/**
 * Mistral's own clients ask the paths of this dialect, and read its streams in their way: every piece
 * of a call must have its name, so a call can only come in one piece, and `usage` must not be null
 * (`CompletionChunk` in @mistralai/mistralai; the Python client reads the same).
 */
import type { Dialect } from './dialect.ts';
import { DIALECTS } from './index.ts';

/** Whether the caller's client, as it names itself, reads calls in one piece only. */
export function takesWholeCallsOnly(dialect: Dialect, userAgent: string | null): boolean {
  return userAgent !== null && dialect === DIALECTS.openai && /\bmistral(?:ai|-client)/i.test(userAgent);
}
