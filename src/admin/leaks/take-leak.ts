import { readParentKid } from '../../keys/delegated-key.ts';
import { createDelegationVerifier } from '../../keys/delegation-verifier.ts';
import type { KeyRecord } from '../../keys/key-record.ts';
import { fingerprintOf, parseKey } from '../../keys/format.ts';
import type { ParsedKey } from '../../keys/format.ts';
import { iso } from '../fields.ts';
import type { AdminDeps } from '../ports.ts';
import { takeAdminToken } from './take-admin-token.ts';
import { describePlace, noticeLeak, reactToLeak } from './react-to-leak.ts';
import type { ReportedToken } from './react-to-leak.ts';

/** `true_positive`: the whole text of a key of ours, or what its holder signed. The rest is told alike, whatever it is. */
export type LeakLabel = 'true_positive' | 'false_positive';

/**
 * Looks whether a token is a key, whole and true: only that is a leak that rules react to. The public
 * part alone, or with a wrong secret, proves nothing and is a notice; anything else is nothing.
 */
export async function takeLeak(deps: AdminDeps, reported: ReportedToken, reporter: string): Promise<LeakLabel> {
  const parentKid = readParentKid(reported.token);
  if (parentKid !== null) return takeDelegated(deps, reported, { parentKid, reporter });
  // Whatever its form: the token of the environment has none of ours.
  if (await takeAdminToken(deps, reported.token, describePlace(reported, reporter))) return 'true_positive';
  return takeKey(deps, reported, reporter);
}

async function takeKey(deps: AdminDeps, reported: ReportedToken, reporter: string): Promise<LeakLabel> {
  const parsed = parseKey(reported.token, ['kwk', 'kwt']);
  const kid = parsed.ok ? parsed.kid : (parsed.fingerprint?.slice(-KID_LENGTH) ?? null);
  const record = kid === null ? null : await deps.store.findKey(kid);
  const proven = proves(deps, record, parsed.ok ? parsed : null);
  if (record === null) return 'false_positive';
  const where = describePlace(reported, reporter);
  if (proven === null) {
    await noticeLeak(deps, record, `what looks like it was found ${where}, but the secret is not the key's`);
    return 'false_positive';
  }
  const isOver = proven.notAfterMs !== null && proven.notAfterMs <= deps.clock.now();
  if (isOver) await noticeLeak(deps, record, `an old secret of it, which is not accepted any more, was found ${where}`);
  else await reactToLeak(deps, record, `the whole key was found ${where}`);
  return 'true_positive';
}

/**
 * What a key's holder signed is proven by its signature. It can do what the key can: the rules act on
 * the key that it comes from, unless it cannot be used any more.
 */
async function takeDelegated(
  deps: AdminDeps,
  reported: ReportedToken,
  { parentKid, reporter }: { readonly parentKid: string; readonly reporter: string },
): Promise<LeakLabel> {
  const record = await deps.store.findKey(parentKid);
  if (record === null) return 'false_positive';
  const where = describePlace(reported, reporter);
  const parent = record.delegation === null ? null : { kid: parentKid, policy: record.delegation };
  // Of its own: the failures of callers and those of reports do not slow each other down.
  const proof = createDelegationVerifier({ clock: deps.clock }).verify(reported.token, parent, '');
  if (proof.claims === null) {
    await noticeLeak(deps, record, `what looks like a delegated key was found ${where}, but it is not signed by it`);
    return 'false_positive';
  }
  const { jti, expiresAtMs } = proof.claims;
  const what = `a delegated key (${jti}, until ${iso(expiresAtMs)})`;
  if (proof.ok) await reactToLeak(deps, record, `${what} was found ${where}`);
  else await noticeLeak(deps, record, `${what}, which is not accepted (${proof.code}), was found ${where}`);
  return 'true_positive';
}

const KID_LENGTH = 12;

/** The secret that was proven; as much work for a key that is not there. */
function proves({ hasher }: AdminDeps, record: KeyRecord | null, parsed: ParsedKey | null) {
  if (parsed === null) return null;
  if (record === null) {
    hasher.matchDummy(parsed.secret);
    return null;
  }
  const matching = record.secrets.filter((secret) => hasher.matches(parsed.secret, secret));
  return fingerprintOf(record) === fingerprintOf(parsed) ? (matching[0] ?? null) : null;
}
