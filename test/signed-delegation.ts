/** Delegated keys with a right signature over whatever a test wants to be in them. */
import { createPrivateKey, hkdfSync, sign } from 'node:crypto';
import { wrapSeed } from '../src/keys/delegation-seed.ts';

export const USUAL_HEADER = '{"alg":"Ed25519","typ":"kwd+jwt"}';

interface Signed {
  readonly kid: string;
  readonly secret: string;
  readonly payload: string | Uint8Array;
  readonly header?: string;
  /** Changes the text of header and payload before it is signed. */
  readonly rewrite?: (signingInput: string) => string;
}

/** Derived here once more, so that the constants of the derivation cannot change unseen. */
function privateKeyOf(secret: string) {
  const seed = hkdfSync('sha256', secret, 'keyward delegated keys', 'keyward/delegation/ed25519-seed/v1', 32);
  return createPrivateKey({ key: Buffer.from(wrapSeed(new Uint8Array(seed))), format: 'der', type: 'pkcs8' });
}

/** `kwd_<kid>_<JWS>`, signed by the key that belongs to the secret. */
export function signDelegation({
  kid,
  secret,
  payload,
  header = USUAL_HEADER,
  rewrite = (text) => text,
}: Signed): string {
  const parts = [header, payload].map((part) => Buffer.from(part).toString('base64url'));
  const signingInput = rewrite(parts.join('.'));
  const signature = sign(null, Buffer.from(signingInput), privateKeyOf(secret)).toString('base64url');
  return `kwd_${kid}_${signingInput}.${signature}`;
}
