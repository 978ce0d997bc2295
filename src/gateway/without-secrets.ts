import { VENDOR_KEY_SHAPES } from '../keys/foreign-credential.ts';

/** A key of ours, as far as its fingerprint; or the published prefix of a vendor's key. What follows either is secret. */
const KEYS = new RegExp(
  [
    String.raw`(kw[a-z]_(?:live|test)_[0-9A-Za-z]{1,12})[0-9A-Za-z_]*`,
    String.raw`(kwd_[0-9A-Za-z]{1,12})_[\w.-]*`,
    ...VENDOR_KEY_SHAPES.map(
      ({ prefix, lengthMin }) =>
        String.raw`(?<![0-9A-Za-z])(${prefix.replaceAll('.', String.raw`\.`)})[\w.-]{${lengthMin - prefix.length},}`,
    ),
  ].join('|'),
  'g',
);
/** No key is shorter: nearly every text is done with this look. */
const LONG_WORD = /[\w.-]{20}/;

/**
 * A caller's or a provider's text as it may be recorded: keys get into paths, model names and agent
 * names by mistake. What is left of one tells whose it is; its secret must not be stored.
 */
export function withoutSecrets(text: string): string {
  if (text.length < 20 || !LONG_WORD.test(text)) return text;
  return text.replaceAll(KEYS, (_key, ...groups) => groups.find((group) => typeof group === 'string') ?? '');
}
