import { networkOf } from '../keys/client-network.ts';
import { fingerprintOf, parseKey } from '../keys/format.ts';
import { findMatchingSecret } from '../keys/secret-hash.ts';
import { proveDelegated, readDelegated } from './authenticate-delegated.ts';
import type { Call } from './call.ts';
import { decoyFor } from './decoy-keys.ts';
import { findCredential } from './find-credential.ts';
import type { Gateway } from './gateway.ts';
import type { CachedKey } from './key-cache.ts';
import type { LiveWorkspace } from './live-config.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { RequestHead } from './request-head.ts';
import { knowsAncestors, loadAncestors } from './standing.ts';

const ACCEPTED = ['kwk', 'kwt'] as const;

/**
 * From the request's headers to a proven key, or the reason why not. Checks cost more as they go:
 * shape and checksum first, then a look at what the worker knows, and only then a question to the
 * key store, which is the one case that waits.
 */
export function authenticate(
  gateway: Gateway,
  call: Call,
  head: RequestHead,
): Refusal | null | Promise<Refusal | null> {
  const credential = findCredential(head, call.config.settings.allowKeyInQuery);
  return typeof credential === 'string' ? authenticateText(gateway, call, credential) : credential;
}

/** The same for a credential that was found already. */
export function authenticateText(
  gateway: Gateway,
  call: Call,
  credential: string,
): Refusal | null | Promise<Refusal | null> {
  const delegated = readDelegated(gateway, credential);
  if (delegated !== null) {
    if ('code' in delegated) return delegated;
    call.delegated = delegated;
    call.keyFingerprint = `kwd_${delegated.parentKid}`;
    call.kid = delegated.parentKid;
    return proveKey(gateway, call, delegated.parentKid);
  }
  const parsed = parseKey(credential, ACCEPTED);
  if (!parsed.ok) {
    call.keyFingerprint = parsed.fingerprint;
    return refusal(parsed.code);
  }
  call.keyFingerprint = fingerprintOf(parsed);
  call.kid = parsed.kid;
  call.secret = parsed.secret;
  return proveKey(gateway, call, parsed.kid);
}

/** Whether any key or the configuration changed since the call's key was proven. */
export function isOutdated(gateway: Gateway, call: Call): boolean {
  return call.config !== gateway.config || call.keyChanges !== gateway.keys.changes;
}

/** Finds out what the key is now, under the configuration of now. */
export function proveKey(gateway: Gateway, call: Call, kid: string): Refusal | null | Promise<Refusal | null> {
  const known = gateway.keys.peek(kid);
  const isKnown = known !== undefined && (known === null || knowsAncestors(gateway, known));
  if (isKnown) return prove(gateway, call, known);
  // Whoever guesses ids would cost a look-up each; keys in use are known here and go on.
  if (!isFlooding(gateway, call)) return loadAndProve(gateway, call, kid);
  gateway.hasher.matchDummy(call.secret);
  return TOO_MANY_FAILURES;
}

async function loadAndProve(gateway: Gateway, call: Call, kid: string): Promise<Refusal | null> {
  try {
    const key = gateway.keys.peek(kid) ?? (await gateway.keys.load(kid));
    if (key !== null) await loadAncestors(gateway, key);
    // While ancestors were loaded the key may have changed: what counts is what is known now.
    const now = gateway.keys.peek(kid);
    return prove(gateway, call, now === undefined ? await gateway.keys.load(kid) : now);
  } catch (error) {
    // Fail closed: a key that cannot be checked is not accepted, and the caller may try again.
    gateway.log('error', 'key look-up failed', { requestId: call.requestId, reason: String(error) });
    return refusal('key_store_unavailable', { retryAfterMs: 1000 });
  }
}

function prove(gateway: Gateway, call: Call, key: CachedKey | null): Refusal | null {
  call.config = gateway.config;
  call.keyChanges = gateway.keys.changes;
  if (call.delegated !== null) {
    const unproven = proveDelegated(gateway, call, call.delegated, key);
    if (unproven === null) call.workspace = workspaceOf(call, key);
    return unproven;
  }
  // The same work for a key that is there and for one that is not, so that time does not tell them apart.
  const { prepared, fingerprint } = key ?? decoyFor(call.kid ?? '');
  const matched = findMatchingSecret(gateway.hasher, prepared.record.secrets, call.secret);
  if (key === null) return wrongKey(gateway, call, 'unknown_key');
  if (matched === null || call.keyFingerprint !== fingerprint) return wrongSecret(gateway, call, prepared.record.kid);
  call.matchedSecret = matched;
  call.key = key;
  call.workspace = workspaceOf(call, key);
  return null;
}

/** Looks, too, where only an unknown id needs a look: that took about a microsecond, and told them apart. */
function wrongSecret(gateway: Gateway, call: Call, kid: string): Refusal {
  const isThere = !gateway.keys.isMissing(kid) && decoyFor(kid).prepared.record.kid !== kid;
  return wrongKey(gateway, call, isThere ? 'secret_mismatch' : 'unknown_key');
}

function wrongKey(gateway: Gateway, call: Call, code: 'unknown_key' | 'secret_mismatch'): Refusal {
  // The same answer for ids that are known and for those that are not looked up: nothing is to be learnt from a flood.
  if (isFlooding(gateway, call)) return TOO_MANY_FAILURES;
  gateway.failures.recordFailure(networkOf(call.clientAddress), gateway.clock.now());
  return refusal(code);
}

const TOO_MANY_FAILURES = refusal('too_many_failures', { retryAfterMs: 1000 });

/** Callers that come through a proxy on this machine all look alike: they are not held to account for one another. */
function isFlooding(gateway: Gateway, call: Call): boolean {
  if (isLoopback(call.clientAddress)) return false;
  return gateway.failures.isBlocked(networkOf(call.clientAddress), gateway.clock.now());
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address.startsWith('::ffff:127.') || address === '::1';
}

function workspaceOf({ config }: Call, key: CachedKey | null): LiveWorkspace | null {
  return key === null ? null : (config.workspaces.get(key.prepared.record.workspaceId) ?? null);
}
