import { createDelegationVerifier } from '../keys/delegation-verifier.ts';
import type { DelegationVerifier } from '../keys/delegation-verifier.ts';
import type { Clock } from '../lib/clock.ts';

/**
 * Who asks here is known, and passes on what strangers sent it: they must not keep each other's keys
 * from being looked at, so this only bounds what a key's forgeries may cost the processor.
 */
const FORGERIES_PER_SECOND = 1000;

/** The verifier of the control plane. */
export function createAdminDelegations(clock: Clock): DelegationVerifier {
  return createDelegationVerifier({
    clock,
    failureBurst: FORGERIES_PER_SECOND,
    failuresPerSecond: FORGERIES_PER_SECOND,
  });
}
