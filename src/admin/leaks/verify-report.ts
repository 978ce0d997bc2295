/** Whether a report of leaked keys comes from whom it says. Nothing is fetched: the operator configures who may. */
import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import type { LeakSettings } from '../../config/leak-settings.ts';

/** How far the clock of a reporter may be off; older reports are taken for replayed ones. */
export const REPORT_AGE_MS_MAX = 300_000;
/** A DER signature of P-256 has at most 72 bytes. */
const SIGNATURE_LENGTH_MAX = 200;

/**
 * GitHub's secret scanning: ECDSA over P-256 and SHA-256 of the body as it was sent, DER in base64.
 * https://docs.github.com/code-security/secret-scanning/secret-scanning-partner-program
 */
export function isFromGithub(
  body: Uint8Array,
  { keyId, signature }: { readonly keyId: string; readonly signature: string },
  { githubKeys }: LeakSettings,
): boolean {
  const pem = Object.hasOwn(githubKeys, keyId) ? githubKeys[keyId] : undefined;
  if (pem === undefined || signature === '' || signature.length > SIGNATURE_LENGTH_MAX) return false;
  // The form of the key was checked with the configuration.
  const key = createPublicKey(pem);
  return verify('sha256', body, { key, dsaEncoding: 'der' }, Buffer.from(signature, 'base64'));
}

const SIGNED = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/;

/** Other scanners: HMAC-SHA-256 in hex over the time in seconds, a full stop and the body. */
export function isSigned(body: Uint8Array, header: string, { secrets }: LeakSettings, nowMs: number): boolean {
  const [, seconds, signature] = SIGNED.exec(header) ?? [];
  if (seconds === undefined || signature === undefined) return false;
  if (Math.abs(nowMs - Number(seconds) * 1000) > REPORT_AGE_MS_MAX) return false;
  const sent = Buffer.from(signature, 'hex');
  // All of them, so that time does not tell which one was right.
  return secrets.filter((secret) => timingSafeEqual(macOf(secret, seconds, body), sent)).length > 0;
}

function macOf(secret: string, seconds: string, body: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`${seconds}.`).update(body).digest();
}
