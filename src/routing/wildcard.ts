/** A name with at most one `*`, which stands for any run of characters, slashes too. */
export interface Wildcard {
  readonly prefix: string;
  /** Null: the text has no star and stands for itself. */
  readonly suffix: string | null;
}

export function compileWildcard(text: string): Wildcard {
  const star = text.indexOf('*');
  if (star === -1) return { prefix: text, suffix: null };
  return { prefix: text.slice(0, star), suffix: text.slice(star + 1) };
}

/** What the star stands for in a name (the empty text without a star); null where the name does not match. */
export function matchWildcard({ prefix, suffix }: Wildcard, name: string): string | null {
  if (suffix === null) return name === prefix ? '' : null;
  const isLong = name.length > prefix.length + suffix.length;
  if (!isLong || !name.startsWith(prefix) || !name.endsWith(suffix)) return null;
  return name.slice(prefix.length, name.length - suffix.length);
}
