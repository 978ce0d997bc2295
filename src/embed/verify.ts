import type { ErrorCode } from '../errors.ts';
import { publicForm, refusal } from '../gateway/refusal.ts';
import type { Refusal } from '../gateway/refusal.ts';
import type { Call } from '../gateway/call.ts';
import { explain } from '../keys/decide.ts';
import type { DecisionInput, LimitReading, RequestFacts } from '../keys/decision-input.ts';
import { NO_FACTS } from '../keys/decision-input.ts';
import type { CheckResult } from '../keys/verdict.ts';
import type { CallAmounts } from '../limits/call-limits.ts';
import type { Engine, Proven } from './engine.ts';
import { bindingOf, judge, openCall, policyContext, proveAgain, proveText, take, tellRefused } from './engine.ts';
import { inProcess } from './in-process.ts';

/** What is asked for. What is left out is not asked: scopes about it are skipped, but for an address, which a list of addresses needs. */
export interface VerifyFacts extends Partial<RequestFacts> {
  /** False: only look, count nothing. True, the usual: a call of this key was made. */
  readonly count?: boolean;
  /** Tokens that the call used, counted with it. */
  readonly tokens?: number;
  /** USD that the call cost, counted with it. */
  readonly usd?: number;
}

/** What the engine says of a key and a call. A value: that a key is refused is no exception. */
export interface KeywardVerdict {
  readonly allowed: boolean;
  /** The exact reason, for the program and its log. */
  readonly code: ErrorCode | 'ok';
  /** What whoever sent the key may be told: every reason about the identity of a key looks the same. */
  readonly answer: { readonly status: number; readonly code: string; readonly message: string };
  /** Milliseconds after which the same call may pass; null when waiting does not help, or is not needed. */
  readonly retryAfterMs: number | null;
  /** Null where no key was proven. */
  readonly key: VerifiedKey | null;
  /** Every check in its order, worked out now; empty where no key was proven. */
  checks(): readonly CheckResult[];
}

export interface VerifiedKey {
  readonly kid: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly applicationId: string;
  readonly environment: 'live' | 'test';
  /** Whether the secret was replaced and is accepted only for a while. */
  readonly retiring: boolean;
}

const NANO_USD = 1e9;
const NO_CHECKS: readonly CheckResult[] = [];
const ALLOWED_ANSWER = Object.freeze({ status: 200, code: 'ok', message: 'The key may make this call.' });

/** Verifies a key: the product's own engine, in this process. */
export async function verify(engine: Engine, text: string, facts: VerifyFacts): Promise<KeywardVerdict> {
  const { count = true, tokens = 0, usd = 0, ...asked } = facts;
  const call = openCall(engine, inProcess('VERIFY', asked.address ?? ''));
  call.recorded = false;
  const proven = await judgeText(engine, call, text, completed(asked));
  if ('code' in proven) return refused(engine, call, proven, null);
  if (proven.denied !== null) return refused(engine, call, proven.denied, proven);
  const need: CallAmounts = { tokens, nanoUsd: Math.round(usd * NANO_USD) };
  if (engine.policies.asksBefore) {
    const denied = await engine.policies.before(policyContext('verify', call, proven));
    if (denied !== null) return refused(engine, call, denied, proven);
    const gone = await proveAgain(engine, call);
    if (gone !== null) return refused(engine, call, gone, proven);
  }
  const limited = count ? counted(engine, call, proven, need) : looked(proven, need);
  if (limited !== null) return refused(engine, call, limited, proven);
  return {
    allowed: true,
    code: 'ok',
    answer: ALLOWED_ANSWER,
    retryAfterMs: null,
    key: verifiedKey(call, proven),
    checks: () => checksOf(proven, need),
  };
}

/** From a text to a verdict on its key, but for policies and limits; a refusal where no key is proven. */
export async function judgeText(
  engine: Engine,
  call: Call,
  text: string,
  facts: RequestFacts,
): Promise<Proven | Refusal> {
  const proof = proveText(engine, call, text);
  const unproven = proof instanceof Promise ? await proof : proof;
  if (unproven !== null) return unproven;
  const binding = await bindingOf(engine, call);
  return 'code' in binding ? binding : judge(engine, call, binding, facts);
}

export function completed(facts: Partial<RequestFacts>): RequestFacts {
  return { ...NO_FACTS, requestedModel: facts.model ?? null, ...facts };
}

/** A verify is over when it is answered: it holds no place among calls at the same time. */
function counted(engine: Engine, call: Call, proven: Proven, need: CallAmounts): Refusal | null {
  const limited = take(engine, call, proven, need);
  if (limited !== null) return limited;
  const { limits, reservation } = call;
  limits?.release();
  if (reservation !== null) limits?.settle(reservation, need, engine.gateway.clock.now());
  return null;
}

function looked(proven: Proven, need: CallAmounts): Refusal | null {
  const verdict = explain(withReadings(proven, need));
  if (verdict.allowed) return null;
  const failed = readings(proven, need).find(({ soft, limit, used, needed }) => !soft && used + needed > limit);
  return refusal(verdict.code, { retryAfterMs: failed?.retryAfterMs ?? null });
}

function checksOf(proven: Proven, need: CallAmounts): readonly CheckResult[] {
  return explain(withReadings(proven, need)).trace?.checks ?? NO_CHECKS;
}

function withReadings(proven: Proven, need: CallAmounts): DecisionInput {
  return { ...proven.input, limits: readings(proven, need) };
}

function readings({ bound, input }: Proven, need: CallAmounts): readonly LimitReading[] {
  return bound.limits.read(input.nowMs, need);
}

function refused(engine: Engine, call: Call, why: Refusal, proven: Proven | null): KeywardVerdict {
  tellRefused(engine, 'verify', call, why);
  return {
    allowed: false,
    code: why.code,
    answer: publicForm(why),
    retryAfterMs: why.retryAfterMs,
    key: proven === null ? null : verifiedKey(call, proven),
    checks: () => (proven === null ? NO_CHECKS : checksOf(proven, NOTHING)),
  };
}

const NOTHING: CallAmounts = { tokens: 0, nanoUsd: 0 };

function verifiedKey(call: Call, { binding, input }: Proven): VerifiedKey {
  const { kid, applicationId, environment } = input.standing.key.record;
  return {
    kid,
    name: binding.name,
    tags: binding.tags,
    applicationId,
    environment,
    retiring: call.matchedSecret?.state === 'retiring',
  };
}
