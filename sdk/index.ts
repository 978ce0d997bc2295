/** `@keyward/keys`: the form of keys, what a key says of itself, and offline minting, in any runtime. */
export type { Budget, BudgetPeriod, Limits, Scopes, TimeWindow, Weekday } from '../src/keys/constraints.ts';
export { readLimits, readScopes } from '../src/keys/constraints.ts';
export type { ParsedDelegatedKey } from '../src/keys/delegated-key.ts';
export { DELEGATION_TTL_HARD_MAX_MS, parseDelegatedKey } from '../src/keys/delegated-key.ts';
export type { Constraints, DelegatedClaims, UnreadDelegation } from '../src/keys/delegation-claims.ts';
export type {
  DelegationMinter,
  MintOptions,
  MintResult,
  OpenedKey,
  OpenedPrivateKey,
} from '../src/keys/delegation-minter.ts';
export { openKey, openPrivateKey } from '../src/keys/delegation-minter.ts';
export type { DelegationKeyPair } from '../src/keys/delegation-signer.ts';
export { generateDelegationKeyPair } from '../src/keys/delegation-signer.ts';
export { widens } from '../src/keys/delegation-widens.ts';
export { fingerprintOf, parseKey } from '../src/keys/format.ts';
export type { KeyType, ParsedKey, SyntaxCode, UnparsedKey } from '../src/keys/format.ts';
export type { BudgetInput, LimitsInput } from '../src/keys/minted-limits.ts';
export { inspectKey } from '../src/keys/inspect-key.ts';
export type { InspectedDelegatedKey, InspectedSecretKey, UninspectedKey } from '../src/keys/inspect-key.ts';
