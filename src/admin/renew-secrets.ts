import { AppError } from '../errors.ts';
import { generateSecret } from '../keys/format.ts';
import type { KeySecret } from '../keys/key-record.ts';
import { rotateSecrets } from '../keys/rotate.ts';
import type { WhenUnused } from '../keys/rotate.ts';
import { iso } from './fields.ts';
import type { IssuingHasher } from './ports.ts';
import { freshSecret } from './resources/key-secret.ts';
import type { KeyRow } from './stores.ts';

export interface Renewal {
  readonly hasher: IssuingHasher;
  readonly nowMs: number;
  /** How long the secret in use is accepted still. */
  readonly overlapMs: number;
  readonly whenUnused?: WhenUnused | null;
}

/** A new secret for a key, with those of the old ones that stay. Refused where the key can have none. */
export function renewSecrets(
  key: Pick<KeyRow, 'kid' | 'type' | 'state' | 'environment' | 'secrets'>,
  { hasher, nowMs, overlapMs, whenUnused = null }: Renewal,
): { readonly text: string; readonly secrets: readonly KeySecret[] } {
  const { kid, type, state, environment } = key;
  if (type !== 'kwk') {
    throw new AppError('conflict', { message: `The key ${kid} is a temporary one: it is not rotated. Mint another.` });
  }
  if (state !== 'active' && state !== 'suspended') {
    throw new AppError('conflict', { message: `The key ${kid} is ${state}: create a new one instead.` });
  }
  const generated = generateSecret({ type, environment, kid });
  const rotated = rotateSecrets(key.secrets, freshSecret(hasher, generated.secret, nowMs), {
    ...{ nowMs, overlapMs, whenUnused },
  });
  if (rotated.ok) return { text: generated.text, secrets: rotated.secrets };
  throw new AppError('conflict', {
    message: `Two older secrets of the key ${kid} are still accepted, the first until ${iso(rotated.untilMs)}. Wait, or end them with an overlap of 0s.`,
  });
}
