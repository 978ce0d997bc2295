/**
 * What people send instead of a Keyward key: placeholders copied from an example, and keys of model
 * vendors. Told by shape alone, so that the answer can say what to do; nothing is ever looked up.
 */

export type ForeignCredential = 'placeholder_key' | 'provider_key_sent_to_gateway';

/** Which kind of foreign credential a text looks like, or `null`. Only called on texts that are no valid key. */
export function recogniseForeignCredential(text: string): ForeignCredential | null {
  if (isPlaceholder(text)) return 'placeholder_key';
  for (const shape of VENDOR_KEY_SHAPES) {
    if (text.length >= shape.lengthMin && text.startsWith(shape.prefix)) return 'provider_key_sent_to_gateway';
  }
  return null;
}

export interface VendorKeyShape {
  readonly prefix: string;
  /** Of the whole text: shorter ones are typing errors or examples. */
  readonly lengthMin: number;
}

/** Prefixes that vendors publish for their keys (most of them also in the rules of secret scanners). */
export const VENDOR_KEY_SHAPES: readonly VendorKeyShape[] = [
  { prefix: 'sk-', lengthMin: 20 }, // also sk-ant-, sk-proj-, sk-or-, sk-svcacct-
  { prefix: 'sk_', lengthMin: 20 },
  { prefix: 'AIza', lengthMin: 30 },
  { prefix: 'AQ.', lengthMin: 30 },
  { prefix: 'ya29.', lengthMin: 30 },
  { prefix: 'gsk_', lengthMin: 20 },
  { prefix: 'xai-', lengthMin: 20 },
  { prefix: 'pplx-', lengthMin: 20 },
  { prefix: 'nvapi-', lengthMin: 20 },
  { prefix: 'hf_', lengthMin: 20 },
  { prefix: 'r8_', lengthMin: 20 },
  { prefix: 'csk-', lengthMin: 20 },
  { prefix: 'fw_', lengthMin: 20 },
  { prefix: 'tgp_v1_', lengthMin: 20 },
  { prefix: 'ABSK', lengthMin: 40 },
  { prefix: 'AKIA', lengthMin: 20 },
  { prefix: 'ASIA', lengthMin: 20 },
];

/** Lower case. Long enough that a random text holds none of them by chance. */
const PLACEHOLDER_WORDS: readonly string[] = [
  'your_',
  'your-',
  'yourkey',
  'yourapi',
  'api_key',
  'api-key',
  'apikey',
  'my_key',
  'my-key',
  'placeholder',
  'replace',
  'changeme',
  'change_me',
  'change-me',
  'example',
  'insert_',
  'insert-',
  'sk-1234',
  '123456789',
  'undefined',
];

/** A run this long anywhere, or half as long at the end, is filler. */
const FILLER_RUN_MIN = 8;

function isPlaceholder(text: string): boolean {
  const first = text.charAt(0);
  if (first === '<' || first === '{' || first === '[' || first === '$') return true;
  if (text === 'null' || text === 'none' || text === 'key') return true;
  if (text.includes('...') || text.includes('…') || text.includes('***')) return true;
  if (hasFillerRun(text)) return true;
  const lower = text.toLowerCase();
  return PLACEHOLDER_WORDS.some((word) => lower.includes(word));
}

function hasFillerRun(text: string): boolean {
  let run = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i) | 0x20;
    run = code === 0x78 ? run + 1 : 0; // x or X
    if (run >= FILLER_RUN_MIN) return true;
  }
  return run >= FILLER_RUN_MIN / 2;
}
