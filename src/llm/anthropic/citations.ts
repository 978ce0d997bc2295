/** Citations of a text block (https://docs.claude.com/en/docs/build-with-claude/citations). */
import type { Annotation } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import type { Report } from '../report.ts';

/** Anthropic makes a block of each stretch of text that rests on sources: all of `text` does. */
export function readCitation(raw: JsonRecord, text: { readonly length: number }): Annotation {
  return {
    url: textOf(raw['url']) ?? textOf(raw['source']),
    title: textOf(raw['title']) ?? textOf(raw['document_title']),
    from: 0,
    to: text.length,
    ...(typeof raw['cited_text'] === 'string' && { quote: raw['cited_text'] }),
    raw,
    of: 'anthropic',
  };
}

/** The annotations of a text block that was read whole. */
export function readCitations(value: unknown, text: string): readonly Annotation[] {
  return Array.isArray(value) ? value.filter(isRecord).map((raw) => readCitation(raw, text)) : [];
}

/** A citation for a client; null, and reported: the format has no other sources of foreign answers than pages. */
export function citationForClient(
  annotation: Annotation,
  text: string,
  path: string,
  report: Report,
): JsonRecord | null {
  if (annotation.of === 'anthropic') return annotation.raw;
  const { url, title, from, to, quote } = annotation;
  if (url === null) {
    report.dropped(`${path}.citations`, 'a source without a URL has no place in this format');
    return null;
  }
  return {
    type: 'web_search_result_location',
    url,
    title,
    cited_text: quote ?? (from === null || to === null ? '' : text.slice(from, to)),
    encrypted_index: '',
  };
}

/** A citation for Anthropic, which takes back only its own: one made of a foreign annotation has no index. */
export function citationForProvider({ of, raw }: Annotation): JsonRecord | null {
  return of === 'anthropic' && raw['encrypted_index'] !== '' ? raw : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
