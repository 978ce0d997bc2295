/** Where a base URL points, split once so that nothing later has to parse one. */
export interface ParsedBaseUrl {
  /** Scheme, host and port: `https://api.openai.com`. */
  readonly origin: string;
  /** Without a slash at its end: `/v1`, or the empty string. */
  readonly pathPrefix: string;
}

export type BaseUrlResult =
  | { readonly ok: true; readonly value: ParsedBaseUrl }
  /** The reason never repeats the URL: it may hold a secret. */
  | { readonly ok: false; readonly reason: string };

/** Checks a provider's base URL: http or https, a host, and nothing but a plain path behind it. */
export function parseBaseUrl(text: string): BaseUrlResult {
  if (!URL.canParse(text) || /[\s\\]/.test(text)) {
    return refuse('is not a URL such as https://api.example.com/v1');
  }
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return refuse('must begin with http:// or https://');
  if (url.username !== '' || url.password !== '') {
    return refuse('must not hold a user or password: put the secret under credentials');
  }
  if (text.includes('?') || text.includes('#')) return refuse('must not have a query or a fragment');
  return { ok: true, value: { origin: url.origin, pathPrefix: url.pathname.replace(/\/+$/, '') } };
}

function refuse(reason: string): BaseUrlResult {
  return { ok: false, reason };
}
