/** What everything in an embedded Keyward works with, and the steps that verify, resolve and calls have in common. */
import { authenticateText, isOutdated, proveKey } from '../gateway/authenticate.ts';
import { Call } from '../gateway/call.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Inbound } from '../gateway/inbound.ts';
import { readLimits } from '../gateway/limit-readings.ts';
import { refusal } from '../gateway/refusal.ts';
import type { Refusal } from '../gateway/refusal.ts';
import { guessDialect } from '../gateway/routes.ts';
import { standingFor } from '../gateway/standing.ts';
import type { BoundStanding } from '../gateway/standing.ts';
import { decide } from '../keys/decide.ts';
import type { DecisionInput, RequestFacts } from '../keys/decision-input.ts';
import { writeDecision } from '../keys/decision-log.ts';
import type { CallAmounts } from '../limits/call-limits.ts';
import { refusalWords } from '../limits/refusal-words.ts';
import type { Binding, Bindings } from './bindings.ts';
import type { Emit } from './events.ts';
import type { OwnPrefix } from './own-prefix.ts';
import type { Policies, PolicyContext } from './policies.ts';

export interface Engine {
  readonly gateway: Gateway;
  readonly bindings: Bindings;
  readonly policies: Policies;
  readonly prefix: OwnPrefix;
  readonly emit: Emit;
}

/** A proven key, and what it is decided with. */
export interface Proven {
  readonly bound: BoundStanding;
  readonly binding: Binding;
  readonly input: DecisionInput;
  /** Why the engine refuses the call; null: it does not. */
  readonly denied: Refusal | null;
}

export function openCall({ gateway }: Engine, inbound: Inbound): Call {
  return new Call({
    inbound,
    requestId: gateway.nextRequestId(),
    startedAtMs: gateway.clock.now(),
    config: gateway.config,
    dialect: guessDialect('/'),
  });
}

/** From the text of a key to a proven one, or why not. Waits only for a key that was not used lately. */
export function proveText(engine: Engine, call: Call, text: string): Refusal | null | Promise<Refusal | null> {
  return authenticateText(engine.gateway, call, engine.prefix.read(text));
}

/** Proves it again where anything changed while the caller was waited for. */
export function proveAgain({ gateway }: Engine, call: Call): Refusal | null | Promise<Refusal | null> {
  return isOutdated(gateway, call) ? proveKey(gateway, call, call.kid ?? '') : null;
}

/** What a key stands for; refused where its row is gone or the storage does not answer. */
export async function bindingOf(engine: Engine, call: Call): Promise<Binding | Refusal> {
  try {
    const binding = await engine.bindings.ofKey(call.kid ?? '');
    return binding ?? refusal('unknown_key');
  } catch (error) {
    engine.gateway.log('error', 'key look-up failed', { requestId: call.requestId, reason: String(error) });
    return refusal('key_store_unavailable', { retryAfterMs: 1000 });
  }
}

/** The engine's own verdict, which changes nothing. */
export function judge(engine: Engine, call: Call, binding: Binding, facts: RequestFacts): Proven | Refusal {
  const { gateway } = engine;
  const { key } = call;
  if (key === null) return refusal('internal_error');
  const bound = standingFor(gateway, call, key);
  call.ownerId = bound.standing.owners[0]?.id ?? null;
  const input: DecisionInput = {
    standing: bound.standing,
    matchedSecret: call.matchedSecret,
    expectedEnvironment: null,
    delegation: call.delegation,
    facts,
    limits: null,
    nowMs: gateway.clock.now(),
  };
  const verdict = decide(input);
  // So that a record can be explained later, as the gateway's are.
  if (!verdict.allowed && call.recorded) call.decision = writeDecision(input);
  return { bound, binding, input, denied: verdict.allowed ? null : refusal(verdict.code) };
}

/** Counts what was judged against every limit, or against none. */
export function take(engine: Engine, call: Call, { bound, input }: Proven, need: CallAmounts): Refusal | null {
  const nowMs = engine.gateway.clock.now();
  const outcome = bound.limits.take(nowMs, need);
  if (!outcome.ok) {
    const { code, by, retryAfterMs } = outcome;
    if (call.recorded && by !== null) {
      call.decision = writeDecision({ ...input, limits: readLimits(bound.limits, outcome, need, nowMs) });
    }
    return refusal(code, { retryAfterMs, message: refusalWords(outcome) });
  }
  call.limits = bound.limits;
  call.reservation = outcome.reservation;
  return null;
}

export function policyContext(kind: PolicyContext['kind'], call: Call, { binding, input }: Proven): PolicyContext {
  const { kid, applicationId } = input.standing.key.record;
  return { kind, kid: call.kid ?? kid, name: binding.name, tags: binding.tags, applicationId, facts: input.facts };
}

/** Tells of a refusal. A kid that was only read, not proven, is told as such by its code. */
export function tellRefused(
  engine: Engine,
  what: 'verify' | 'resolve' | 'call',
  call: Call,
  { code }: Pick<Refusal, 'code'>,
): void {
  const requestId = what === 'verify' ? null : call.requestId;
  engine.emit({ kind: 'refused', what, kid: call.kid, code, atMs: engine.gateway.clock.now(), requestId });
}
