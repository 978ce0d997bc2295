/**
 * AWS Signature Version 4 in the Authorization header
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html), for all
 * services but S3, which has rules of its own for paths.
 */
import { createHash, createHmac } from 'node:crypto';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

export interface SigningScope {
  /** For example `us-east-1`. */
  readonly region: string;
  /** As AWS names it when signing, for example `bedrock`. */
  readonly service: string;
  readonly nowMs: number;
}

export interface UnsignedRequest {
  readonly method: string;
  /** As it will be sent, percent-encoding included. */
  readonly path: string;
  /** As it will be sent, without `?`; empty for none. */
  readonly query: string;
  /** Flat name, value pairs, to be signed and to be sent as they are: `host`, `content-type` and their like. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** The headers to add, as flat name, value pairs: the date, the session token if there is one, the signature. */
export function signRequest(
  request: UnsignedRequest,
  credentials: AwsCredentials,
  scope: SigningScope,
): readonly string[] {
  const time = basicTime(scope.nowMs);
  const scopeText = `${time.slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`;
  const { accessKeyId, sessionToken } = credentials;
  const added = ['x-amz-date', time, ...(sessionToken === undefined ? [] : ['x-amz-security-token', sessionToken])];
  const signed = signedHeaders([...request.headers, ...added]);
  const names = signed.map(([name]) => name).join(';');
  const stringToSign = [ALGORITHM, time, scopeText, sha256(canonicalRequest(request, signed, names))].join('\n');
  const signature = hmac(signingKey(credentials.secretAccessKey, time.slice(0, 8), scope), stringToSign).toString(
    'hex',
  );
  const authorization = `${ALGORITHM} Credential=${accessKeyId}/${scopeText}, SignedHeaders=${names}, Signature=${signature}`;
  return [...added, 'authorization', authorization];
}

/** For example `20150830T123600Z`. */
function basicTime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

type SignedHeader = readonly [name: string, value: string];

/** In the order of their names; values of one name joined, each without the spaces around and in rows. */
function signedHeaders(flat: readonly string[]): readonly SignedHeader[] {
  const byName = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = (flat[i] ?? '').toLowerCase();
    const value = (flat[i + 1] ?? '').trim().replace(/ +/g, ' ');
    const earlier = byName.get(name);
    byName.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return [...byName].sort(([a], [b]) => compare(a, b));
}

function canonicalRequest(request: UnsignedRequest, signed: readonly SignedHeader[], names: string): string {
  return [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    sha256(request.body),
  ].join('\n');
}

/** Encoded once more than it is sent; without empty and relative segments, as RFC 3986 §5.2.4 has it. */
function canonicalPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') kept.pop();
    else kept.push(uriEncode(segment));
  }
  const endsWithSlash = kept.length > 0 && /\/\.{0,2}$/.test(path);
  return `/${kept.join('/')}${endsWithSlash ? '/' : ''}`;
}

/** Sorted by name, then by value, encoded exactly once. */
function canonicalQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .map((pair): SignedHeader => {
      const at = pair.indexOf('=');
      const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      return [uriEncode(decoded(name)), uriEncode(decoded(value))];
    })
    .sort(([a, b], [c, d]) => compare(a, c) || compare(b, d))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not an encoding: AWS sees the text as it is.
    return text;
  }
}

/** All but the unreserved characters of RFC 3986. */
function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** By code unit: `localeCompare` would not be the order that AWS takes. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function signingKey(secret: string, day: string, { region, service }: SigningScope): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
