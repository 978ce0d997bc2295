import { TOKEN } from './http1-syntax.ts';

/** The name of a header as a parser sees it. */
export interface KnownField<Part extends string> {
  /** In lower case. */
  readonly name: string;
  /** The name again when it is one that the parser itself acts on. */
  readonly part: Part | null;
}

const FIELDS_MAX = 512;
const SPELLING_LENGTH_MAX = 64;

/**
 * Names by the spelling they are sent in, checked and lower-cased once: peers send the same few in
 * every message. The returned function gives null for what is no name.
 */
export function knownFields<Part extends string>(
  parts: readonly Part[],
): (spelling: string) => KnownField<Part> | null {
  const fields = new Map<string, KnownField<Part>>();

  function fieldOf(spelling: string): KnownField<Part> {
    const name = spelling.toLowerCase();
    return { name, part: parts.find((part) => part === name) ?? null };
  }

  function learn(spelling: string): KnownField<Part> | null {
    if (!TOKEN.test(spelling)) return null;
    if (fields.size >= FIELDS_MAX || spelling.length > SPELLING_LENGTH_MAX) return fieldOf(spelling);
    // A slice would keep the whole head alive, with the secrets in it.
    const own = Buffer.from(spelling, 'latin1').toString('latin1');
    const field = fieldOf(own);
    fields.set(own, field);
    return field;
  }

  return (spelling) => fields.get(spelling) ?? learn(spelling);
}
