/** Sources of an answer: OpenAI's `url_citation`, and the lists of Perplexity. */
import type { Annotation } from '../canonical.ts';
import type { DialectName } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, recordOf } from '../record.ts';
import type { Report } from '../report.ts';

/** The annotations of a message or a delta. */
export function readAnnotations(value: unknown, of: DialectName): readonly Annotation[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map((raw) => {
    const citation = recordOf(raw['url_citation']);
    return {
      url: textOrNull(citation['url']),
      title: textOrNull(citation['title']),
      from: numberOrNull(citation['start_index']),
      to: numberOrNull(citation['end_index']),
      raw,
      of,
    };
  });
}

/** The same, of a text that begins `chars` later. */
export function movedBack(annotations: readonly Annotation[], chars: number): readonly Annotation[] {
  if (chars === 0) return annotations;
  return annotations.map((annotation) => {
    if (annotation.from === null && annotation.to === null) return annotation;
    const moved = { ...annotation, from: placeBefore(annotation.from, chars), to: placeBefore(annotation.to, chars) };
    return { ...moved, raw: citationOf(moved, 0) };
  });
}

function placeBefore(place: number | null, chars: number): number | null {
  return place === null || place < chars ? null : place - chars;
}

/** Mistral's references, which stand among the texts: they name results of tools by the caller's own numbers. */
export function readReferences(content: unknown, of: DialectName): readonly Annotation[] {
  if (!Array.isArray(content)) return [];
  const references = content.filter(isRecord).filter(({ type }) => type === 'reference');
  return references.map((raw) => ({ url: null, title: null, from: null, to: null, raw, of }));
}

/** Perplexity lists its sources beside the choices; the text names them by number (`[1]`). */
export function readSources(body: JsonRecord, of: DialectName): readonly Annotation[] {
  const results = body['search_results'];
  if (Array.isArray(results) && results.length > 0) {
    return results
      .filter(isRecord)
      .map((result) => sourceOf(textOrNull(result['url']), textOrNull(result['title']), of));
  }
  const citations = body['citations'];
  if (!Array.isArray(citations)) return [];
  return citations.filter((url) => typeof url === 'string').map((url) => sourceOf(url, null, of));
}

function sourceOf(url: string | null, title: string | null, of: DialectName): Annotation {
  return { url, title, from: null, to: null, raw: citationOf({ url, title, from: null, to: null }, 0), of };
}

/** Null, and reported, where the source has no URL: this dialect asks for one. `offset`: where the text begins in the message. */
export function writeAnnotation(
  annotation: Annotation,
  offset: number,
  path: string,
  report: Report,
): JsonRecord | null {
  if (annotation.of === 'openai' && offset === 0) return annotation.raw;
  if (annotation.url !== null) return citationOf(annotation, offset);
  report.dropped(`${path}.annotations`, 'a source without a URL has no place in this format');
  return null;
}

function citationOf({ url, title, from, to }: Omit<Annotation, 'raw' | 'of'>, offset: number): JsonRecord {
  return {
    type: 'url_citation',
    url_citation: {
      url,
      title: title ?? url,
      ...(from !== null && { start_index: from + offset }),
      ...(to !== null && { end_index: to + offset }),
    },
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
