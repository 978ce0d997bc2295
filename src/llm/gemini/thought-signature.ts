/**
 * `thoughtSignature`. Google's own is base64. One of another family goes to a Gemini client in an
 * envelope which is base64, too: typed clients (Go, Java, Python) hold the member as bytes and fail on
 * anything else.
 */
import type { Signature } from '../canonical.ts';
import { openSignature, sealSignature } from '../signature.ts';

const REDACTED = 'redacted:';
const ENVELOPE = /^(redacted:)?kw1\./;

/** The `thoughtSignature` that a Gemini client receives. */
export function sealThoughtSignature(signature: Signature, redacted = false): string {
  const sealed = sealSignature(signature, 'gemini');
  if (signature.of === 'gemini') return sealed;
  return Buffer.from((redacted ? REDACTED : '') + sealed, 'utf8').toString('base64');
}

/** What a Gemini client sent back. */
export function openThoughtSignature(text: string): { readonly signature: Signature; readonly redacted: boolean } {
  // Only what begins like an envelope in base64 is decoded as a whole: real signatures are long.
  const start = Buffer.from(text.slice(0, 24), 'base64').toString('latin1');
  if (!ENVELOPE.test(start)) return { signature: openSignature(text, 'gemini'), redacted: false };
  const sealed = Buffer.from(text, 'base64').toString('utf8');
  const redacted = sealed.startsWith(REDACTED);
  const signature = openSignature(redacted ? sealed.slice(REDACTED.length) : sealed, 'gemini');
  // An envelope that does not open is not ours.
  return signature.of === 'gemini'
    ? { signature: { of: 'gemini', value: text }, redacted: false }
    : { signature, redacted };
}
