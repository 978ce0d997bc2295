/** 64 bits that stand for a counter's name. Names hold random key ids, so nobody can aim at a collision. */
export interface NameTag {
  readonly low: number;
  readonly high: number;
}

/** Two multiplicative hashes with different constants, mixed into each other; never 0, 0, which marks a free cell. */
export function tagOf(name: string): NameTag {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (let i = 0; i < name.length; i += 1) {
    const code = name.charCodeAt(i);
    a = Math.imul(a ^ code, 0x2c1b3c6d);
    a ^= a >>> 15;
    b = Math.imul(b ^ code, 0x297a2d39);
    b ^= b >>> 13;
  }
  const low = mix(a ^ Math.imul(b, 0x165667b1));
  const high = mix(b ^ Math.imul(a, 0x27d4eb2f));
  return low === 0 && high === 0 ? { low: 1, high: 0 } : { low, high };
}

/** Spreads every bit over the whole word; the result is signed, as shared words are read. */
function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  return (h ^ (h >>> 16)) | 0;
}
