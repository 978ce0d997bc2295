import type { Annotation } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf, textOf } from '../record.ts';

/** A citation of an answer (API_runtime_Citation): all of its block's text rests on the source. */
export function annotationOf(citation: JsonRecord, text: { readonly length: number }): Annotation {
  const url = recordOf(recordOf(citation['location'])['web'])['url'] ?? citation['source'];
  const title = citation['title'];
  return {
    url: typeof url === 'string' && /^https?:/.test(url) ? url : null,
    title: typeof title === 'string' ? title : null,
    from: 0,
    to: text.length,
    ...quoteOf(citation['sourceContent']),
    raw: citation,
    of: 'bedrock',
  };
}

function quoteOf(sourceContent: unknown): Pick<Annotation, 'quote'> {
  if (!Array.isArray(sourceContent)) return {};
  return { quote: sourceContent.map((piece) => textOf(recordOf(piece)['text'])).join('') };
}
