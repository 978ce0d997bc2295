/**
 * What is wrong with a text that should be a key, as exactly as the text alone can tell. Pure: what
 * is stored plays no part, and nothing of the text comes back but places in it and what the members of
 * a delegated key are called.
 */
import { encodeBase62 } from './base62.ts';
import { crc32 } from './crc32.ts';
import { DELEGATED_KEY_LENGTH_MAX, isDelegatedText, parseDelegatedKey, readParentKid } from './delegated-key.ts';
import type { DelegationSyntaxCode } from './delegation-claims.ts';
import type { KeyType, ParsedKey, SyntaxCode } from './format.ts';
import { parseKey } from './format.ts';

export interface FormFinding {
  /** The key, where the text is one or becomes one without what is around it. */
  readonly parsed: ParsedKey | null;
  /** The same where it is a delegated key, whose signature was not looked at. */
  readonly delegated: { readonly text: string; readonly kid: string } | null;
  readonly code: SyntaxCode | DelegationSyntaxCode | null;
  /** Of the key that was probably meant, where it could be read. */
  readonly fingerprint: string | null;
  /** What was found, in sentences. */
  readonly sentences: readonly string[];
}

const ACCEPTED: readonly KeyType[] = ['kwk', 'kwt'];
const KEY_LENGTH = 72;
const CRC_LENGTH = 6;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_';

/** Longer texts are not looked at: a delegated key, what got around it, and some of what makes it too long. */
export const KEY_TEXT_LENGTH_MAX = DELEGATED_KEY_LENGTH_MAX + 1024;

export function examineForm(text: string): FormFinding {
  const core = withoutWrapping(text);
  const wrapping =
    core === text
      ? []
      : ['There is something around the key, such as quotes, spaces, a line end or "Bearer": send the key alone.'];
  if (isDelegatedText(core)) return examineDelegated(core, wrapping);
  const parsed = parseKey(core, ACCEPTED);
  if (parsed.ok) {
    const sound = `The form is right: ${parsed.type}, ${parsed.environment}, checksum correct.`;
    return { parsed, delegated: null, code: null, fingerprint: null, sentences: [...wrapping, sound] };
  }
  const { code, fingerprint } = parsed;
  return { parsed: null, delegated: null, code, fingerprint, sentences: [...wrapping, ...sentencesOf(code, core)] };
}

function examineDelegated(text: string, wrapping: readonly string[]): FormFinding {
  const kid = readParentKid(text);
  const fingerprint = kid === null ? null : `kwd_${kid}`;
  const read = parseDelegatedKey(text);
  if (read.ok) {
    const until = new Date(read.claims.expiresAtMs).toISOString();
    const sound = `The form is right: a delegated key of ${read.kid}, to expire at ${until}.`;
    return {
      ...{ parsed: null, delegated: { text, kid: read.kid }, code: null, fingerprint },
      sentences: [...wrapping, sound],
    };
  }
  const { code, reason } = read;
  const sentence = `It begins as a delegated key does, and is refused because ${reason}.`;
  return { parsed: null, delegated: null, code, fingerprint, sentences: [...wrapping, sentence] };
}

/** What gets around a key when it is copied out of a file, a shell or a header. */
export function withoutWrapping(text: string): string {
  return text
    .slice(0, KEY_TEXT_LENGTH_MAX)
    .replace(/^\s*(?:authorization\s*[:=]\s*)?(?:bearer\s+)?["'`<]*/i, '')
    .replace(/["'`>,;]*\s*$/, '');
}

function sentencesOf(code: SyntaxCode, text: string): readonly string[] {
  switch (code) {
    case 'bad_checksum':
      return [typingError(text)];
    case 'truncated':
      return [`The end is missing: ${KEY_LENGTH - text.length} of ${KEY_LENGTH} characters.`];
    case 'malformed':
      return [malformed(text)];
    case 'placeholder_key':
      return ['This is the placeholder of an example, not a key.'];
    case 'provider_key_sent_to_gateway':
      return ["This has the form of a vendor's own key. It is neither used nor stored here."];
    case 'wrong_type':
      return ['This is a credential of another kind: an admin token or a reveal link.'];
  }
}

/** The checksum tells where one character went wrong: exactly one change makes it fit again. */
function typingError(text: string): string {
  const swapped = findSwap(text);
  if (swapped !== null)
    return `Two neighbouring characters were swapped: ${place(swapped, text)} and the one behind it.`;
  const replaced = findReplacement(text);
  if (replaced !== null) return `One character was mistyped: ${place(replaced, text)}. Often 0 and O, or 1, l and I.`;
  return 'The checksum does not fit: more than one character is wrong. Copy the key again.';
}

function malformed(text: string): string {
  const strange = Array.from(text).findIndex((character) => !ALPHABET.includes(character));
  if (strange !== -1) return `Character ${strange + 1} cannot be in a key.`;
  if (text.length === KEY_LENGTH + 1) {
    const extra = findExtra(text);
    if (extra !== null) return `There is one character too many: ${place(extra, text)}.`;
  }
  if (text.length > KEY_LENGTH) return `It is too long: ${text.length} characters in place of ${KEY_LENGTH}.`;
  if (!/^kw[a-z]_/.test(text)) return 'It does not begin as a key does: kwk_live_ or kwk_test_.';
  const missing = text.length === KEY_LENGTH - 1 ? findMissing(text) : null;
  if (missing !== null) return `One character is missing: before ${place(missing, text)}.`;
  return `It does not have the form kwk_<environment>_<12 characters>_<43 characters>_<6 characters>.`;
}

/** Counted from 1. */
function place(index: number, text: string): string {
  return `character ${index + 1} of ${text.length}`;
}

function isSound(text: string): boolean {
  const end = KEY_LENGTH - CRC_LENGTH;
  return text.slice(end) === encodeBase62(crc32(text.slice(0, end - 1)), CRC_LENGTH) && parseKey(text, ACCEPTED).ok;
}

function findSwap(text: string): number | null {
  return firstPlace(text.length - 1, (i) => {
    const swapped = text.slice(0, i) + text.charAt(i + 1) + text.charAt(i) + text.slice(i + 2);
    return swapped !== text && isSound(swapped);
  });
}

function findReplacement(text: string): number | null {
  return firstPlace(text.length, (i) =>
    hasLetter((letter) => letter !== text.charAt(i) && isSound(text.slice(0, i) + letter + text.slice(i + 1))),
  );
}

function findExtra(text: string): number | null {
  return firstPlace(text.length, (i) => isSound(text.slice(0, i) + text.slice(i + 1)));
}

function findMissing(text: string): number | null {
  return firstPlace(text.length, (i) => hasLetter((letter) => isSound(text.slice(0, i) + letter + text.slice(i))));
}

function firstPlace(count: number, matches: (index: number) => boolean): number | null {
  for (let i = 0; i < count; i += 1) if (matches(i)) return i;
  return null;
}

function hasLetter(matches: (letter: string) => boolean): boolean {
  for (const letter of ALPHABET) if (matches(letter)) return true;
  return false;
}
