/**
 * HMAC-SHA-256 (RFC 2104, FIPS 180-4) of short texts under one key, in plain arithmetic. A call
 * into native cryptography costs several times the two compressions that are needed here, because
 * the two blocks that depend on the key only are compressed once, when the key is set. There is no
 * branch and no table look-up that depends on a secret.
 */

/** Longest text that fits one block behind the key's, with its padding. */
export const TEXT_LENGTH_MAX = 55;
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4 §4.2.2). */
const ROUND_CONSTANTS = Int32Array.from(primes(64), (prime) => fractionBits(Math.cbrt(prime), prime, 3));
/** The same of the square roots of the first 8 primes (§5.3.3). */
const INITIAL_STATE = Int32Array.from(primes(8), (prime) => fractionBits(Math.sqrt(prime), prime, 2));

/** The message schedule; used by one synchronous call at a time. */
const schedule = new Int32Array(64);

export interface HmacSha256 {
  /** The MAC of an ASCII text of at most {@link TEXT_LENGTH_MAX} characters, as 8 big-endian words, overwritten by the next call. */
  compute(text: string): Int32Array;
}

/** Sets a key of any length up to a block; longer ones must be hashed before (RFC 2104 §2). */
export function createHmacSha256(key: Uint8Array): HmacSha256 {
  if (key.length > BLOCK_BYTES) throw new Error('an HMAC key longer than a block must be hashed first');
  const inner = keyedState(key, 0x36);
  const outer = keyedState(key, 0x5c);
  const state = new Int32Array(8);
  return {
    compute(text) {
      state.set(inner);
      loadText(text);
      compress(state);
      for (let i = 0; i < 8; i++) schedule[i] = state[i] ?? 0;
      pad(DIGEST_BYTES);
      state.set(outer);
      compress(state);
      return state;
    },
  };
}

/** The state after the block that holds the key. */
function keyedState(key: Uint8Array, mask: number): Int32Array {
  for (let word = 0; word < 16; word++) {
    let value = 0;
    for (let byte = 0; byte < 4; byte++) value = (value << 8) | ((key[word * 4 + byte] ?? 0) ^ mask);
    schedule[word] = value;
  }
  const state = INITIAL_STATE.slice();
  compress(state);
  return state;
}

function loadText(text: string): void {
  schedule.fill(0, 0, 16);
  for (let i = 0; i < text.length; i++) {
    const word = i >> 2;
    schedule[word] = (schedule[word] ?? 0) | (text.charCodeAt(i) << (24 - (i & 3) * 8));
  }
  pad(text.length);
}

/** Padding behind the message of this block; one block came before it. */
function pad(length: number): void {
  const word = length >> 2;
  if ((length & 3) === 0) schedule.fill(0, word, 16);
  schedule[word] = (schedule[word] ?? 0) | (0x80 << (24 - (length & 3) * 8));
  schedule[15] = (BLOCK_BYTES + length) * 8;
}

/** One compression of the 16 words at the beginning of the schedule (FIPS 180-4 §6.2.2). */
function compress(state: Int32Array): void {
  for (let t = 16; t < 64; t++) {
    const w15 = schedule[t - 15] ?? 0;
    const w2 = schedule[t - 2] ?? 0;
    const s0 = ((w15 >>> 7) | (w15 << 25)) ^ ((w15 >>> 18) | (w15 << 14)) ^ (w15 >>> 3);
    const s1 = ((w2 >>> 17) | (w2 << 15)) ^ ((w2 >>> 19) | (w2 << 13)) ^ (w2 >>> 10);
    schedule[t] = ((schedule[t - 16] ?? 0) + s0 + (schedule[t - 7] ?? 0) + s1) | 0;
  }
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  let e = state[4] ?? 0;
  let f = state[5] ?? 0;
  let g = state[6] ?? 0;
  let h = state[7] ?? 0;
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (ROUND_CONSTANTS[t] ?? 0) + (schedule[t] ?? 0)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = ((state[0] ?? 0) + a) | 0;
  state[1] = ((state[1] ?? 0) + b) | 0;
  state[2] = ((state[2] ?? 0) + c) | 0;
  state[3] = ((state[3] ?? 0) + d) | 0;
  state[4] = ((state[4] ?? 0) + e) | 0;
  state[5] = ((state[5] ?? 0) + f) | 0;
  state[6] = ((state[6] ?? 0) + g) | 0;
  state[7] = ((state[7] ?? 0) + h) | 0;
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

/** The first 32 bits behind the point of a prime's root, exactly: floating point is corrected with whole numbers. */
function fractionBits(root: number, prime: number, degree: number): number {
  const scale = 2n ** 32n;
  let scaled = BigInt(Math.round(root * 2 ** 32));
  const target = BigInt(prime) * scale ** BigInt(degree);
  while (scaled ** BigInt(degree) > target) scaled--;
  while ((scaled + 1n) ** BigInt(degree) <= target) scaled++;
  return Number(BigInt.asIntN(32, scaled));
}
