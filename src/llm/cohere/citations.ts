/** Citations of answers as annotations (https://docs.cohere.com/docs/rag-citations). */
import type { Annotation } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, recordOf } from '../record.ts';

/** Finds places in a text that grows. Cohere counts characters, of which some are two UTF-16 units. */
export class TextPlaces {
  /** Where, in characters, those of two units stand. */
  readonly #wide: number[] = [];
  #characters = 0;

  append(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      // The second unit of a pair.
      if (code >= 0xdc00 && code <= 0xdfff) this.#wide.push(this.#characters - 1);
      else this.#characters += 1;
    }
  }

  /** In UTF-16 units. */
  unitsAt(character: number): number {
    let low = 0;
    let high = this.#wide.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#wide[middle] ?? 0) < character) low = middle + 1;
      else high = middle;
    }
    return character + low;
  }
}

/** Whether the citation is of the answer's text, and not of the reasoning or the plan. */
export function isOfText({ type }: JsonRecord): boolean {
  return type === undefined || type === null || type === 'TEXT_CONTENT';
}

/** An annotation for each source of a citation; one without a title where it names none. */
export function annotationsOf(citation: JsonRecord, places: TextPlaces): readonly Annotation[] {
  const sources = Array.isArray(citation['sources']) ? citation['sources'].filter(isRecord) : [];
  const [start, end] = [countOf(citation['start']), countOf(citation['end'])];
  const known = start !== null && end !== null;
  return (sources.length === 0 ? [{}] : sources).map((source: JsonRecord) => {
    const document = recordOf(source['document']);
    const title = document['title'] ?? document['id'] ?? source['id'];
    return {
      url: typeof document['url'] === 'string' ? document['url'] : null,
      title: typeof title === 'string' ? title : null,
      from: known ? places.unitsAt(start) : null,
      to: known ? places.unitsAt(end) : null,
      ...quoteOf(document),
      raw: citation,
      of: 'cohere',
    };
  });
}

/** Documents have what members their owner gave them; Cohere itself suggests these two. */
function quoteOf({ snippet, text }: JsonRecord): Pick<Annotation, 'quote'> {
  const quote = snippet ?? text;
  return typeof quote === 'string' ? { quote } : {};
}
