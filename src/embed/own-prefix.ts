/**
 * The format hook: keys under a prefix of the backend's own, such as `acme_live_…`. Only the outside
 * changes; inside, a key has the product's form, so one parser and one engine serve both. Its checksum
 * covers the text as people see it, so that scanners can find keys by it.
 */
import { AppError } from '../errors.ts';
import { encodeBase62 } from '../keys/base62.ts';
import { crc32 } from '../keys/crc32.ts';

export interface OwnPrefix {
  /** A text of the product's form as it is shown: keys and fingerprints. */
  show(text: string): string;
  /** What was sent, in the product's form; a text of another form comes back as it is. */
  read(text: string): string;
  /** Whether a text begins like a key. */
  startsKey(text: string): boolean;
}

const DEFAULT = 'kwk';
const PREFIX = /^[a-z][a-z0-9]{1,11}$/;
/** A checksum of six base62 characters, with its underscore. */
const CRC_LENGTH = 6;
const TEXT_LENGTH_MAX = 512;

/** `kwk` changes nothing. Temporary keys have the prefix with a `t` behind it. */
export function ownPrefix(prefix: string = DEFAULT): OwnPrefix {
  if (prefix === DEFAULT) return { show: same, read: same, startsKey: startsProductKey };
  if (!PREFIX.test(prefix) || prefix.startsWith('kw')) {
    throw new AppError('validation_failed', {
      message: 'prefix must be 2 to 12 lower-case letters and digits, begin with a letter and not with "kw".',
    });
  }
  const pairs = [
    { own: `${prefix}_`, product: 'kwk_' },
    { own: `${prefix}t_`, product: 'kwt_' },
  ];
  return {
    show: (text) => exchanged(text, pairs, 'product', 'own'),
    read: (text) => exchanged(text, pairs, 'own', 'product'),
    startsKey: (text) => startsProductKey(text) || pairs.some(({ own }) => text.startsWith(own)),
  };
}

function same(text: string): string {
  return text;
}

function startsProductKey(text: string): boolean {
  return /^kw[ktd]_/.test(text);
}

type Form = 'own' | 'product';

function exchanged(
  text: string,
  pairs: readonly { readonly own: string; readonly product: string }[],
  from: Form,
  to: Form,
): string {
  if (text.length > TEXT_LENGTH_MAX) return text;
  const pair = pairs.find((each) => text.startsWith(each[from]));
  if (pair === undefined) return text;
  const rest = text.slice(pair[from].length);
  const bodyEnd = text.length - CRC_LENGTH - 1;
  const isWhole = bodyEnd > 0 && text[bodyEnd] === '_';
  // A text whose checksum is wrong keeps it: the parser then says what is wrong with the text.
  if (!isWhole || checksum(text.slice(0, bodyEnd)) !== text.slice(bodyEnd + 1)) return pair[to] + rest;
  const body = pair[to] + rest.slice(0, rest.length - CRC_LENGTH - 1);
  return `${body}_${checksum(body)}`;
}

function checksum(body: string): string {
  return encodeBase62(crc32(body), CRC_LENGTH);
}
