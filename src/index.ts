/** The package `keyward`: keys inside of a program's own backend. */
export { createKeyward } from './embed/create-keyward.ts';
export { createMemoryStorage } from './embed/memory-storage.ts';
export type { Keyward, KeywardLogEntry, KeywardOptions, ListCallsInput } from './embed/keyward.ts';
export type { IssuedKey, KeyOperations, KeyView, ListKeysInput } from './embed/key-operations.ts';
export type {
  CreateKeyInput,
  KeyStateInput,
  MintKeyInput,
  NewRealKey,
  RotateKeyInput,
  UpdateKeyInput,
} from './embed/key-input.ts';
export type { HandlerOptions, KeywardHandler } from './embed/handler.ts';
export type { KeywardEvent } from './embed/events.ts';
export type { Policy, PolicyContext, PolicyOutcome, PolicyRefusal } from './embed/policies.ts';
export type { ResolvedKey, ResolveOptions, UnresolvedKey } from './embed/resolve.ts';
export type { KeywardVerdict, VerifiedKey, VerifyFacts } from './embed/verify.ts';
export type { BackendTokenRow, KeyPatch, KeywardStorage, MaskedKeyRow, RealKeyRow } from './embed/storage-port.ts';
export type { CallRecord } from './calls/call-record.ts';
export type { Counter, Counters, Ledger, LedgerState } from './limits/counters.ts';
export type { ErrorCode } from './errors.ts';
export { AppError } from './errors.ts';
