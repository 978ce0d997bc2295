/** Keys of ours by their public beginning, and whatever hangs on them. */
const KEY = /(kw[a-z]_(?:live|test)_[0-9A-Za-z]{1,12})[0-9A-Za-z_]*/g;
/** Of the kinds whose id follows the type at once: delegated keys and reveal links. */
const TOKEN = /(kw[dr]_(?!live_|test_)[0-9A-Za-z]{1,12})[0-9A-Za-z_.-]*/g;

/** A text without the secrets of the keys in it: what remains tells whose they are. */
export function redactKeys(text: string): string {
  return text.includes('kw') ? text.replaceAll(KEY, '$1').replaceAll(TOKEN, '$1') : text;
}
