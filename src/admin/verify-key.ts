/**
 * Verifies a key for a program other than the gateway, in this process: the same engine, the same
 * counters, no call. Whoever does not hold the whole secret learns nothing of what is stored.
 */
import type { WorkspaceSnapshot } from '../config/snapshot.ts';
import type { ErrorCode } from '../errors.ts';
import { GENERIC_401 } from '../errors.ts';
import { networkOf } from '../keys/client-network.ts';
import { decide, explain } from '../keys/decide.ts';
import type { DecisionInput, LimitReading, RequestFacts } from '../keys/decision-input.ts';
import { NO_FACTS } from '../keys/decision-input.ts';
import { isDelegatedText, readParentKid } from '../keys/delegated-key.ts';
import { parseKey } from '../keys/format.ts';
import { delegationParentOf, isFormCode, provenDelegation, signingSecret } from '../keys/proven-delegation.ts';
import { findMatchingSecret } from '../keys/secret-hash.ts';
import { childOf, standingOf, withDelegated } from '../keys/standing.ts';
import type { Standing } from '../keys/standing.ts';
import type { Trace } from '../keys/verdict.ts';
import type { KnownKey } from './known-keys.ts';
import { ledByAlias, modelFacts } from './model-facts.ts';
import type { AdminDeps, KeyLimits, KeyLimitsPort } from './ports.ts';
import type { KeyRow } from './stores.ts';

export type VerifyDeps = Pick<
  AdminDeps,
  'knownKeys' | 'keyLimits' | 'delegations' | 'hasher' | 'snapshotSource' | 'clock'
>;

/** What the call is that the key was sent with, as far as it is known. */
export type VerifyFacts = Partial<Omit<RequestFacts, 'requestedModel' | 'modelSinceMs' | 'requestedModelSinceMs'>>;

export interface VerifyOptions {
  readonly workspaceId: string;
  /** Counts a call against the rate limits of the key. */
  readonly take?: boolean;
  /** Gives every check in any case. */
  readonly explain?: boolean;
}

export type VerifyResult =
  | { readonly valid: boolean; readonly code: ErrorCode | 'ok'; readonly proven: ProvenKey }
  /** The secret was not proven: what is stored is not told. */
  | { readonly valid: false; readonly code: ErrorCode | typeof GENERIC_401.code; readonly proven: null };

export interface ProvenKey {
  readonly row: KeyRow;
  readonly limits: readonly LimitReading[];
  readonly input: DecisionInput;
  /** Null unless it was asked for, or a check failed. */
  readonly trace: Trace | null;
}

const ACCEPTED = ['kwk', 'kwt'] as const;
const UNPROVEN: VerifyResult = Object.freeze({ valid: false, code: GENERIC_401.code, proven: null });

/** At once for keys that are remembered; else after one look-up. Rejects when the store cannot answer. */
export function verifyKey(
  deps: VerifyDeps,
  key: string,
  facts: VerifyFacts,
  options: VerifyOptions,
): VerifyResult | Promise<VerifyResult> {
  if (isDelegatedText(key)) return verifyDelegated(deps, key, facts, options);
  const parsed = parseKey(key, ACCEPTED);
  // The form can be judged by anybody: no knowledge of what is stored is in it.
  if (!parsed.ok) return { valid: false, code: parsed.code, proven: null };
  const { type, environment, kid, secret } = parsed;
  const fingerprint = `${type}_${environment}_${kid}`;
  const known = deps.knownKeys.peek(options.workspaceId, kid);
  if (known !== undefined) return verify(deps, known, { secret, fingerprint }, facts, options);
  return deps.knownKeys
    .load(options.workspaceId, kid)
    .then((loaded) => verify(deps, loaded, { secret, fingerprint }, facts, options));
}

/** The same for what the holder of a key signed. */
function verifyDelegated(
  deps: VerifyDeps,
  text: string,
  facts: VerifyFacts,
  options: VerifyOptions,
): VerifyResult | Promise<VerifyResult> {
  const kid = readParentKid(text);
  if (kid === null) return prove(deps, text, null, facts, options);
  const known = deps.knownKeys.peek(options.workspaceId, kid);
  if (known !== undefined) return prove(deps, text, known, facts, options);
  return deps.knownKeys.load(options.workspaceId, kid).then((loaded) => prove(deps, text, loaded, facts, options));
}

function prove(
  deps: VerifyDeps,
  text: string,
  known: KnownKey | null,
  facts: VerifyFacts,
  options: VerifyOptions,
): VerifyResult {
  const parent = known === null ? null : delegationParentOf(known.prepared.record);
  const proof = deps.delegations.verify(text, parent, networkOf(facts.address ?? ''));
  const delegated = provenDelegation(proof);
  if (known === null || delegated === null) {
    return !proof.ok && isFormCode(proof.code) ? { valid: false, code: proof.code, proven: null } : UNPROVEN;
  }
  const { record } = known.prepared;
  const workspace = deps.snapshotSource.current().workspaces[known.workspaceId] ?? null;
  const standing = withDelegated(standingFor(deps.keyLimits, known, workspace).standing, delegated.claims);
  const limits = deps.keyLimits.bind(standing, childOf(delegated.claims, record.minting));
  const proven = { standing, matchedSecret: signingSecret(record), delegation: delegated.finding };
  return judge(
    { row: known.row, limits, workspace },
    inputOf(deps, proven, { facts, workspace, limits, options }),
    options,
  );
}

interface Sent {
  readonly secret: string;
  readonly fingerprint: string;
}

function verify(
  deps: VerifyDeps,
  known: KnownKey | null,
  { secret, fingerprint }: Sent,
  facts: VerifyFacts,
  options: VerifyOptions,
): VerifyResult {
  const { hasher, snapshotSource } = deps;
  if (known === null) {
    // The same work as for a key that exists, so that time does not tell them apart.
    hasher.matchDummy(secret);
    return UNPROVEN;
  }
  const matchedSecret = findMatchingSecret(hasher, known.prepared.record.secrets, secret);
  if (matchedSecret === null || known.fingerprint !== fingerprint) return UNPROVEN;
  const workspace = snapshotSource.current().workspaces[known.workspaceId] ?? null;
  const { standing, limits } = standingFor(deps.keyLimits, known, workspace);
  const proven = { standing, matchedSecret, delegation: null };
  return judge(
    { row: known.row, limits, workspace },
    inputOf(deps, proven, { facts, workspace, limits, options }),
    options,
  );
}

interface Asked {
  readonly facts: VerifyFacts;
  readonly workspace: WorkspaceSnapshot | null;
  readonly limits: KeyLimits;
  readonly options: VerifyOptions;
}

function inputOf(
  { clock }: VerifyDeps,
  proven: Pick<DecisionInput, 'standing' | 'matchedSecret' | 'delegation'>,
  { facts, workspace, limits, options }: Asked,
): DecisionInput {
  const nowMs = clock.now();
  const { model = null, ...rest } = facts;
  return {
    ...proven,
    expectedEnvironment: null,
    facts: { ...NO_FACTS, ...rest, ...modelFacts(workspace, model) },
    limits: options.take === true ? null : limits.read(nowMs),
    nowMs,
  };
}

interface Judged {
  readonly row: KeyRow;
  readonly limits: KeyLimits;
  readonly workspace: WorkspaceSnapshot | null;
}

function judge(known: Judged, first: DecisionInput, { take, explain: wantsTrace }: VerifyOptions): VerifyResult {
  const judgeInput = wantsTrace === true ? explain : decide;
  let verdict = judgeInput(first);
  const input = verdict.allowed ? first : ledByAlias(first, known.workspace);
  if (input !== first) verdict = judgeInput(input);
  const taken = verdict.allowed ? takeOrLook(known.limits, take === true, input.nowMs) : null;
  const limits = input.limits ?? known.limits.read(input.nowMs);
  const code = verdict.code ?? taken ?? 'ok';
  return { valid: code === 'ok', code, proven: { row: known.row, limits, input, trace: verdict.trace } };
}

function takeOrLook(limits: KeyLimits, take: boolean, nowMs: number): ErrorCode | null {
  if (take) return limits.take(nowMs);
  return limits.hasPlace(nowMs) ? null : 'keys_exhausted';
}

/** Worked out once per key and snapshot. */
function standingFor(
  keyLimits: KeyLimitsPort,
  known: KnownKey,
  snapshot: WorkspaceSnapshot | null,
): { readonly standing: Standing; readonly limits: KeyLimits } {
  const remembered = known.standing;
  if (remembered !== null && remembered.snapshot === snapshot) return remembered;
  const standing = standingOf(known.prepared, known.ancestors, snapshot);
  known.standing = { standing, limits: keyLimits.bind(standing), snapshot };
  return known.standing;
}
