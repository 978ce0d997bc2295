import type { Annotation } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';

/** A citation of an answer (API_runtime_Citation); it tells places of the source, none of the text. */
export function annotationOf(citation: JsonRecord): Annotation {
  const url = recordOf(recordOf(citation['location'])['web'])['url'] ?? citation['source'];
  const title = citation['title'];
  return {
    url: typeof url === 'string' && /^https?:/.test(url) ? url : null,
    title: typeof title === 'string' ? title : null,
    from: null,
    to: null,
    raw: citation,
    of: 'bedrock',
  };
}
