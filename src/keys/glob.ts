/**
 * Patterns in which `*` stands for any run of characters, also an empty one; everything else stands
 * for itself. Matching is a left-to-right search for the pieces between the stars, which never
 * backtracks.
 */

/** One compiled pattern. */
export interface Glob {
  readonly prefix: string;
  readonly middle: readonly string[];
  readonly suffix: string;
  /** Prefix and suffix must not overlap in the text. */
  readonly lengthMin: number;
  /** Without a star the whole text must be the prefix. */
  readonly hasStar: boolean;
}

export function compileGlob(text: string): Glob {
  const pieces = text.split('*');
  const prefix = pieces[0] ?? '';
  const hasStar = pieces.length > 1;
  const suffix = hasStar ? (pieces.at(-1) ?? '') : '';
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  return { prefix, middle, suffix, lengthMin: prefix.length + suffix.length, hasStar };
}

/** Taking the first place of each piece is enough: a later one leaves less room for the rest. */
export function matchesGlob(glob: Glob, text: string): boolean {
  if (!glob.hasStar) return text === glob.prefix;
  if (text.length < glob.lengthMin || !text.startsWith(glob.prefix) || !text.endsWith(glob.suffix)) return false;
  let from = glob.prefix.length;
  for (const piece of glob.middle) {
    const at = text.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return from <= text.length - glob.suffix.length;
}
