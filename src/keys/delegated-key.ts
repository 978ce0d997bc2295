/**
 * The form of a delegated key: `kwd_<kid>_<JWS>`, the compact form of RFC 7515 §7.1 with a header
 * that leaves nothing to choose. Reading it proves nothing: that is delegation-verifier.ts. Runs in
 * any JavaScript runtime.
 */
import { isBase62Code } from './base62.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import type { DelegatedClaims, UnreadDelegation } from './delegation-claims.ts';
import { readDelegatedClaims, readObject, unread } from './delegation-claims.ts';

/** Longer texts are not even looked at. */
export const DELEGATED_KEY_LENGTH_MAX = 2048;

/** No delegated key lives longer, whatever its parent's policy says. */
export const DELEGATION_TTL_HARD_MAX_MS = 12 * 60 * 60 * 1000;

/** The fully specified name of RFC 9864 §2.2: `EdDSA` would leave the curve open. */
const ALGORITHM = 'Ed25519';
const TYPE = 'kwd+jwt';

/** How our own minter writes the header: the usual case is one comparison. */
const USUAL_HEADER = encodeBase64url(new TextEncoder().encode(JSON.stringify({ alg: ALGORITHM, typ: TYPE })));

const PREFIX = 'kwd_';
const KID_START = PREFIX.length;
const KID_END = KID_START + 12;
const JWS_START = KID_END + 1;
const SIGNATURE_BYTES = 64;
const UNDERSCORE = 0x5f;

/** The parts of a delegated key whose form is sound; its claims are still bytes. */
export interface DelegatedKeyParts {
  readonly ok: true;
  readonly kid: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
  /** ASCII; what the signature is over (RFC 7515 §5.1). */
  readonly signingInput: string;
}

export interface ParsedDelegatedKey extends DelegatedKeyParts {
  readonly claims: DelegatedClaims;
}

/**
 * Reads a delegated key to its last claim, or says why the text is none. No signature is looked at.
 */
export function parseDelegatedKey(text: string): ParsedDelegatedKey | UnreadDelegation {
  const parts = splitDelegatedKey(text);
  if (!parts.ok) return parts;
  const read = readDelegatedClaims(parts.payload, parts.kid);
  return read.ok ? { ...parts, claims: read.claims } : read;
}

/** Whether a text begins like a delegated key. */
export function isDelegatedText(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** The key that a text names as its parent, or null if it is no delegated key. Looks at 17 characters. */
export function readParentKid(text: string): string | null {
  if (text.length > DELEGATED_KEY_LENGTH_MAX || !text.startsWith(PREFIX)) return null;
  if (text.charCodeAt(KID_END) !== UNDERSCORE) return null;
  for (let i = KID_START; i < KID_END; i += 1) {
    if (!isBase62Code(text.charCodeAt(i))) return null;
  }
  return text.substring(KID_START, KID_END);
}

/** Everything about the form but the claims. */
export function splitDelegatedKey(text: string): DelegatedKeyParts | UnreadDelegation {
  const kid = readParentKid(text);
  if (kid === null) return explainStart(text);
  const headerEnd = text.indexOf('.', JWS_START);
  const payloadEnd = text.indexOf('.', headerEnd + 1);
  if (headerEnd < 0 || payloadEnd < 0) return unread('malformed', 'the signed part does not have three parts');

  const header = text.substring(JWS_START, headerEnd);
  const refusal = header === USUAL_HEADER ? null : refuseHeader(header);
  if (refusal !== null) return refusal;
  const payload = decodeBase64url(text.substring(headerEnd + 1, payloadEnd));
  const signature = decodeBase64url(text.substring(payloadEnd + 1));
  if (payload === null || signature === null) return unread('malformed', 'it is not base64url in its one form');
  if (signature.length !== SIGNATURE_BYTES) return unread('malformed', 'the signature does not have 64 bytes');
  return { ok: true, kid, payload, signature, signingInput: text.substring(JWS_START, payloadEnd) };
}

/** The text of a delegated key without its signature, and what has to be signed. */
export function writeSigningInput(claims: string): string {
  return `${USUAL_HEADER}.${encodeBase64url(new TextEncoder().encode(claims))}`;
}

/** The whole text. */
export function writeDelegatedKey(kid: string, signingInput: string, signature: Uint8Array): string {
  return `${PREFIX}${kid}_${signingInput}.${encodeBase64url(signature)}`;
}

function explainStart(text: string): UnreadDelegation {
  if (text.length > DELEGATED_KEY_LENGTH_MAX) {
    return unread('malformed', `it has more than ${DELEGATED_KEY_LENGTH_MAX} characters`);
  }
  if (/^kw[akrt]_/.test(text)) return unread('wrong_type', 'it is another kind of key');
  return unread('malformed', 'it does not begin with kwd_, the id of a key and _');
}

/** Null: the header says what ours says. A member more, such as `jwk`, `jku`, `x5u` or `crit`, is refused. */
function refuseHeader(encoded: string): UnreadDelegation | null {
  const bytes = decodeBase64url(encoded);
  if (bytes === null) return unread('malformed', 'the header is not base64url in its one form');
  const fields = readObject(bytes);
  if (!fields.ok) return fields;
  const { alg, typ, ...rest } = fields.value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) return unread('malformed', `the header holds ${JSON.stringify(unknown.slice(0, 80))}`);
  if (typ !== TYPE) return unread('wrong_type', `typ is not ${TYPE}`);
  return alg === ALGORITHM ? null : unread('malformed', `alg is not ${ALGORITHM}`);
}
