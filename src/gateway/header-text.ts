/** A text as the value of a header: percent-encoded where it has characters that a header cannot carry. */
export function headerText(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char < 0x21 || char > 0x7e) return encodeURIComponent(text).replaceAll('%2F', '/');
  }
  return text;
}

/** The first value of a header in a flat list with lower-case names, or null. */
export function headerValue(headers: readonly string[], name: string): string | null {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === name) return headers[i + 1] ?? null;
  }
  return null;
}

/** How a body is compressed; null when it is not. We ask providers for no coding, but some send one all the same. */
export function contentEncoding(headers: readonly string[]): string | null {
  const value = headerValue(headers, 'content-encoding');
  return value === null || value === '' || value.toLowerCase() === 'identity' ? null : value;
}
