import type { DialectName } from '../dialect.ts';

/** Whether the caller speaks Gemini: only then its other members mean something to Google. */
export function speaksGemini({ extraOf }: { readonly extraOf: DialectName }): boolean {
  return extraOf === 'gemini';
}
