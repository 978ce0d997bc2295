const NAME_LENGTH_MAX = 200;

/**
 * Names for the documents of one request. Bedrock takes letters, digits, single spaces, hyphens,
 * parentheses and square brackets, at most 200, each name once (API_runtime_DocumentBlock).
 */
export class DocumentNames {
  readonly #used = new Set<string>();

  /** A name near to the file's own that no other document of the request has. */
  nameFor(filename: string | undefined): string {
    const wanted = fitted((filename ?? '').replace(/\.[A-Za-z0-9]{1,5}$/, ''));
    let name = wanted;
    for (let count = 2; this.#used.has(name); count++) {
      const ending = ` (${count})`;
      name = wanted.slice(0, NAME_LENGTH_MAX - ending.length).trimEnd() + ending;
    }
    this.#used.add(name);
    return name;
  }
}

function fitted(text: string): string {
  const allowed = text.replace(/[^A-Za-z0-9\-()[\]]+/g, ' ');
  return allowed.slice(0, NAME_LENGTH_MAX).trim() || 'document';
}
