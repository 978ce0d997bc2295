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
  return text.replaceAll(KEYS, (_key, ...groups) => firstText(groups));
}

/** Who an account of a vendor belongs to: OpenAI's and OpenRouter's ids, AWS's numbers, Google's projects. */
const ACCOUNTS = new RegExp(
  [
    String.raw`\b((?:org|proj|user)[-_])(?=[0-9A-Za-z]*\d)[0-9A-Za-z]{6,}`,
    String.raw`\b(arn:aws[\w-]*:[\w-]*:[\w-]*:)\d{12}`,
    String.raw`\b(account(?: id)?:? )\d{12}\b`,
    String.raw`\b(projects?[/ =]'?)\d{6,}`,
  ].join('|'),
  'gi',
);

/** A provider's text as a caller may read it: without keys, what we sent as one included, and without the account that pays. */
export function withoutAccounts(text: string, credential = ''): string {
  const clean = withoutSecrets(withoutCredential(text, credential));
  return clean.replaceAll(ACCOUNTS, (_id, ...groups) => firstText(groups));
}

/** Shorter parts of a secret say nothing, and occur in any text. */
const PART_LENGTH_MIN = 8;

/** A text without a secret of any form, and without its parts where it has several. */
export function withoutCredential(text: string, secret: string): string {
  let clean = text;
  for (const part of [secret, ...secret.split(/[\s:,"]+/)]) {
    if (part.length >= PART_LENGTH_MIN) clean = clean.replaceAll(part, '…');
  }
  return clean;
}

function firstText(groups: readonly unknown[]): string {
  const found = groups.find((group) => typeof group === 'string');
  return typeof found === 'string' ? found : '';
}
