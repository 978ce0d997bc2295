/**
 * Whether 32 bytes are a public key of Ed25519 that somebody can honestly hold. Plain arithmetic
 * over big numbers, a few milliseconds: for the rare moment when a public key is registered, where
 * nothing is secret.
 */

/** The field of RFC 8032 §5.1: 2^255 - 19. */
const P = 2n ** 255n - 19n;
/** The order of the base point. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = modulo(-121665n * power(121666n, P - 2n));
const SQRT_OF_MINUS_1 = power(2n, (P - 1n) / 4n);

/** Extended coordinates (RFC 8032 §5.1.4): x = X/Z, y = Y/Z, xy = T/Z. */
interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

const IDENTITY: Point = { x: 0n, y: 1n, z: 1n, t: 0n };

/** Why the bytes are no usable public key, or null. */
export function whyNotPublicKey(bytes: Uint8Array): string | null {
  if (bytes.length !== 32) return 'it does not have 32 bytes';
  const point = decodePoint(bytes);
  if (typeof point === 'string') return point;
  if (isIdentity(point)) return 'it is a point of small order';
  // The base point's multiples are exactly what L takes to the identity. Others hold a part of small
  // order, under which signatures verify in one implementation and not in another.
  return isIdentity(multiply(point, L)) ? null : 'it is of small order, or not a multiple of the base point';
}

/** RFC 8032 §5.1.3; what is wrong as a sentence. */
function decodePoint(bytes: Uint8Array): Point | string {
  let encoded = 0n;
  for (let i = 31; i >= 0; i -= 1) encoded = (encoded << 8n) | BigInt(bytes[i] ?? 0);
  const isOdd = encoded >> 255n === 1n;
  const y = encoded & (2n ** 255n - 1n);
  if (y >= P) return 'its y is not in its one form';
  const x = squareRootOfRatio(y * y - 1n, D * y * y + 1n);
  if (x === null) return 'it is not on the curve';
  if (x === 0n && isOdd) return 'its x is not in its one form';
  const signed = (x & 1n) === (isOdd ? 1n : 0n) ? x : P - x;
  return { x: signed, y, z: 1n, t: modulo(signed * y) };
}

/** A root of u / v, or null where there is none (RFC 8032 §5.1.3, steps 2 and 3). */
function squareRootOfRatio(u: bigint, v: bigint): bigint | null {
  const root = modulo(u * power(v, 3n) * power(modulo(u * power(v, 7n)), (P - 5n) / 8n));
  const square = modulo(v * root * root);
  if (square === modulo(u)) return root;
  return square === modulo(-u) ? modulo(root * SQRT_OF_MINUS_1) : null;
}

function multiply(point: Point, times: bigint): Point {
  let sum = IDENTITY;
  let doubled = point;
  for (let rest = times; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) sum = add(sum, doubled);
    doubled = add(doubled, doubled);
  }
  return sum;
}

/** RFC 8032 §5.1.4: complete on this curve, so that it doubles, too. */
function add(p: Point, q: Point): Point {
  const a = modulo((p.y - p.x) * (q.y - q.x));
  const b = modulo((p.y + p.x) * (q.y + q.x));
  const c = modulo(2n * D * p.t * q.t);
  const d = modulo(2n * p.z * q.z);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return { x: modulo(e * f), y: modulo(g * h), z: modulo(f * g), t: modulo(e * h) };
}

function isIdentity(point: Point): boolean {
  return point.x === 0n && point.y === point.z;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = modulo(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

function modulo(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}
