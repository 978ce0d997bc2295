/**
 * Labels that the caller puts on a call with `x-keyward-tags`, for records, reports and routing:
 * names, or names with a value, separated by commas, such as `team=search, nightly`.
 */
const TAG = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(?:=[A-Za-z0-9._:/@+-]{1,128})?$/;
const TAGS_MAX = 16;

/** Each tag once, in the order sent; null where the header is not what it must be. */
export function readTags(header: string): readonly string[] | null {
  const tags = new Set(header.split(',').map((tag) => tag.trim()));
  tags.delete('');
  return tags.size <= TAGS_MAX && [...tags].every((tag) => TAG.test(tag)) ? [...tags] : null;
}

/** As recorded: between spaces, so that one tag is found without taking another for it. */
export function tagsText(tags: readonly string[]): string | null {
  return tags.length === 0 ? null : ` ${tags.join(' ')} `;
}
