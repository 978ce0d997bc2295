import { decide } from '../keys/decide.ts';
import type { DecisionInput, RequestFacts } from '../keys/decision-input.ts';
import { writeDecision } from '../keys/decision-log.ts';
import type { LimitRefused } from '../limits/key-limiter.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import type { CachedKey } from './key-cache.ts';
import { limitHeaders } from './limit-headers.ts';
import { readLimits } from './limit-readings.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { rotationHeaders } from './rotation-headers.ts';
import { standingFor } from './standing.ts';
import { modelSinceMs, resolveModel } from './targets.ts';

/**
 * The verdict on a proven key: first everything that can be said without changing anything, then
 * its limits, taken all or none. What is taken for the call is given back when it settles.
 */
export function admit(gateway: Gateway, call: Call): Refusal | null {
  const { key } = call;
  if (key === null) return refusal('internal_error');
  const nowMs = gateway.clock.now();
  const input = decisionInput(gateway, call, key, nowMs);
  const verdict = decide(input);
  if (!verdict.allowed) {
    call.decision = writeDecision(input);
    return refusal(verdict.code);
  }
  const outcome = key.limiter.take(nowMs);
  if (!outcome.ok) {
    // Counters without room are no decision on the key.
    if (outcome.code !== 'overloaded')
      call.decision = writeDecision({ ...input, limits: readLimits(key, outcome, nowMs) });
    return overLimit(call, outcome, nowMs);
  }
  call.admitted = true;
  const { tightest } = outcome;
  if (tightest !== null) call.keyHeaders = limitHeaders(call.dialect, tightest, tightest.windowMs, nowMs);
  if (call.matchedSecret?.state === 'retiring') {
    call.keyHeaders = [...call.keyHeaders, ...rotationHeaders(call.matchedSecret)];
  }
  return null;
}

function overLimit(call: Call, refused: LimitRefused, nowMs: number): Refusal {
  if (refused.code === 'rate_limited') {
    const state = { limit: refused.limit, remaining: 0, resetMs: refused.retryAfterMs };
    call.keyHeaders = limitHeaders(call.dialect, state, refused.windowMs, nowMs);
  }
  return refusal(refused.code, { retryAfterMs: refused.retryAfterMs });
}

/** What a verdict on the call depends on, but for its limits. */
export function decisionInput(gateway: Gateway, call: Call, key: CachedKey, nowMs: number): DecisionInput {
  return {
    standing: standingFor(gateway, call, key),
    matchedSecret: call.matchedSecret,
    expectedEnvironment: null,
    delegation: null,
    facts: factsOf(call),
    limits: null,
    nowMs,
  };
}

function factsOf(call: Call): RequestFacts {
  const { requestedModel, workspace, inbound, head } = call;
  // A body that was not understood names no model; nor does a list of models.
  const resolved =
    requestedModel === null || workspace === null || call.operation === 'passthrough'
      ? null
      : resolveModel(workspace, call.dialect, requestedModel);
  const passedModel = workspace === null ? null : requestedModel;
  const passedSinceMs = workspace === null || requestedModel === null ? null : modelSinceMs(workspace, requestedModel);
  return {
    service: null,
    model: resolved === null ? passedModel : resolved.name,
    requestedModel,
    modelSinceMs: resolved === null ? passedSinceMs : resolved.sinceMs,
    requestedModelSinceMs: resolved === null ? passedSinceMs : resolved.requestedSinceMs,
    operation: call.operation,
    tool: null,
    address: call.clientAddress,
    country: call.country,
    method: inbound.method,
    path: head?.path ?? '',
    session: head?.session ?? null,
  };
}
