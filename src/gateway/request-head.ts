import type { Inbound } from './inbound.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** What the gateway reads of a request's header lines, in one pass. */
export interface RequestHead {
  /** The path of the request target, as sent. */
  readonly path: string;
  /** The query as sent, without `?`; empty without one. */
  readonly query: string;
  authorization: string | null;
  xApiKey: string | null;
  apiKey: string | null;
  xGoogApiKey: string | null;
  contentType: string | null;
  contentEncoding: string | null;
  forwardedFor: string | null;
  userAgent: string | null;
  anthropicVersion: boolean;
  /** The session or transaction that the caller says the call belongs to. */
  session: string | null;
  /** Labels for the record, as sent. */
  tags: string | null;
}

/**
 * The check at the door, once per request. What two programs could read differently is refused:
 * the Host line (RFC 9112 §3.2), the form of the target (origin-form only, §3.2.1) and dot
 * segments; nothing later parses the target again. Syntax and framing were the server's business.
 */
export function readRequestHead({ target, headers }: Pick<Inbound, 'target' | 'headers'>): RequestHead | Refusal {
  const bad = targetFault(target);
  if (bad !== null) return refusal('invalid_target', { message: bad });
  const question = target.indexOf('?');
  const head: RequestHead = {
    path: question === -1 ? target : target.slice(0, question),
    query: question === -1 ? '' : target.slice(question + 1),
    authorization: null,
    xApiKey: null,
    apiKey: null,
    xGoogApiKey: null,
    contentType: null,
    contentEncoding: null,
    forwardedFor: null,
    userAgent: null,
    anthropicVersion: false,
    session: null,
    tags: null,
  };
  return readHeaderLines(headers, head) ?? head;
}

function readHeaderLines(headers: readonly string[], head: RequestHead): Refusal | null {
  let host: string | null = null;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    switch (headers[i]) {
      case 'host':
        if (host !== null) return refusal('invalid_host', { message: 'The request has two Host headers. Send one.' });
        host = value;
        break;
      case 'authorization':
        // Two lines of the same credential header: which one counts is a matter of opinion.
        if (head.authorization !== null) return refusal('multiple_credentials');
        head.authorization = value;
        break;
      case 'x-api-key':
        if (head.xApiKey !== null) return refusal('multiple_credentials');
        head.xApiKey = value;
        break;
      case 'api-key':
        if (head.apiKey !== null) return refusal('multiple_credentials');
        head.apiKey = value;
        break;
      case 'x-goog-api-key':
        if (head.xGoogApiKey !== null) return refusal('multiple_credentials');
        head.xGoogApiKey = value;
        break;
      case 'content-type':
        if (head.contentType !== null) {
          return refusal('unsupported_media_type', { message: 'The request has two Content-Type headers. Send one.' });
        }
        head.contentType = value;
        break;
      case 'content-encoding':
        head.contentEncoding = value;
        break;
      case 'x-forwarded-for':
        head.forwardedFor = head.forwardedFor === null ? value : `${head.forwardedFor},${value}`;
        break;
      case 'user-agent':
        head.userAgent = value;
        break;
      case 'x-keyward-session':
        head.session = value;
        break;
      case 'x-keyward-tags':
        head.tags = head.tags === null ? value : `${head.tags},${value}`;
        break;
      case 'anthropic-version':
        head.anthropicVersion = true;
        break;
      default:
    }
  }
  return host === null || !isHost(host) ? refusal('invalid_host') : null;
}

/** Lines seen lately; a Host line repeats for the life of a connection, so it is parsed once. */
let lastGoodHost = '';

function isHost(host: string): boolean {
  if (host === lastGoodHost) return true;
  if (!HOST.test(host) || host.length > 261) return false;
  const colon = host.lastIndexOf(':');
  const bracket = host.lastIndexOf(']');
  if (colon > bracket && Number(host.slice(colon + 1)) > 65_535) return false;
  lastGoodHost = host;
  return true;
}

/** `host[:port]` of RFC 9110 §7.2: a name, an IPv4 address or a bracketed IPv6 address. */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** Longest request target that is read; the parser's own header bound is above it. */
const TARGET_LENGTH_MAX = 8192;

/** A sentence about what is wrong with a request target, or null when it is plain origin-form. */
function targetFault(target: string): string | null {
  if (target.charCodeAt(0) !== 0x2f) return 'The request target must be a path that begins with "/".';
  if (target.length > TARGET_LENGTH_MAX) return `The request target is longer than ${TARGET_LENGTH_MAX} characters.`;
  let suspicious = false;
  let inQuery = false;
  for (let i = 0; i < target.length; i++) {
    const char = target.charCodeAt(i);
    if (char <= 0x20 || char >= 0x7f || char === 0x5c || char === 0x23) {
      return 'The request target holds a character that must be percent-encoded.';
    }
    if (char === 0x3f) inQuery = true;
    if (!inQuery && (char === 0x2e || char === 0x25)) suspicious = true;
    // "//host/path" is a path to some programs and an authority to others.
    if (!inQuery && char === 0x2f && target.charCodeAt(i + 1) === 0x2f) return 'The path has an empty segment ("//").';
  }
  return suspicious ? segmentFault(target) : null;
}

/** The slow look at a path that has a dot or a percent sign in it. */
function segmentFault(target: string): string | null {
  const question = target.indexOf('?');
  const path = question === -1 ? target : target.slice(0, question);
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return 'The path has a "%" that is not followed by two hex digits.';
  if (/%(?:[01][0-9A-Fa-f]|7[Ff]|5[Cc])/.test(path)) return 'The path holds an encoded control character or backslash.';
  const segments = path.replaceAll(/%2[Ee]/g, '.').split(/\/|%2[Ff]/);
  if (segments.some((segment) => segment === '.' || segment === '..')) return 'The path has a dot segment.';
  return null;
}
