/**
 * Access tokens of a Google service account: a signed statement is exchanged for a token that lasts
 * an hour (https://developers.google.com/identity/protocols/oauth2/service-account#httprest, RFC 7523).
 */
import { createPrivateKey, createSign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { request } from 'node:https';

/** The part of a service account's key file that is needed. */
export interface ServiceAccount {
  readonly email: string;
  readonly key: KeyObject;
  readonly tokenUrl: string;
}

export type GoogleTokenResult =
  | { readonly ok: true; readonly token: string; readonly expiresAtMs: number }
  /** `isRejected`: the account itself was refused; otherwise the token service could not be asked. */
  | { readonly ok: false; readonly isRejected: boolean; readonly reason: string };

const ASSERTION_SECONDS = 3600;
const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 65_536;

/** Reads the JSON of a key file; null where the text is none. */
export function readServiceAccount(text: string): ServiceAccount | null {
  if (!text.trimStart().startsWith('{')) return null;
  try {
    const file: unknown = JSON.parse(text);
    if (typeof file !== 'object' || file === null) return null;
    const { client_email: email, private_key: pem, token_uri: tokenUrl } = file as Readonly<Record<string, unknown>>;
    if (typeof email !== 'string' || typeof pem !== 'string') return null;
    const url = typeof tokenUrl === 'string' ? tokenUrl : 'https://oauth2.googleapis.com/token';
    return url.startsWith('https://') ? { email, key: createPrivateKey(pem), tokenUrl: url } : null;
  } catch {
    return null;
  }
}

/** Asks for a token. Never rejects; the reason holds no secret. */
export function requestGoogleToken(
  account: ServiceAccount,
  scope: string,
  nowMs: number,
  post: typeof postForm = postForm,
): Promise<GoogleTokenResult> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: assertion(account, scope, Math.floor(nowMs / 1000)),
  });
  return post(account.tokenUrl, form.toString()).then((answer) => readAnswer(answer, nowMs));
}

function assertion({ email, key, tokenUrl }: ServiceAccount, scope: string, nowS: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: email, scope, aud: tokenUrl, iat: nowS, exp: nowS + ASSERTION_SECONDS };
  const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key).toString('base64url')}`;
}

interface FormAnswer {
  readonly status: number;
  readonly body: string;
}

function readAnswer(answer: FormAnswer | null, nowMs: number): GoogleTokenResult {
  if (answer === null) return { ok: false, isRejected: false, reason: 'the token service could not be reached' };
  const { status, body } = answer;
  if (status !== 200)
    return { ok: false, isRejected: status >= 400 && status < 500, reason: `the token service answered ${status}` };
  try {
    const { access_token: token, expires_in: seconds } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    if (typeof token === 'string' && typeof seconds === 'number')
      return { ok: true, token, expiresAtMs: nowMs + seconds * 1000 };
  } catch {
    // Told below.
  }
  return { ok: false, isRejected: false, reason: 'the token service gave no token' };
}

function postForm(url: string, body: string): Promise<FormAnswer | null> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
    const req = request(url, { method: 'POST', headers, signal: AbortSignal.timeout(TIMEOUT_MS) }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_BYTES_MAX) res.destroy();
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body: text }));
      res.on('close', () => resolve(null));
    });
    req.on('error', () => resolve(null));
    req.end(body);
  });
}
