import { decide } from '../keys/decide.ts';
import type { DecisionInput, RequestFacts } from '../keys/decision-input.ts';
import { writeDecision } from '../keys/decision-log.ts';
import { ledInput } from '../keys/led-input.ts';
import type { Standing } from '../keys/standing.ts';
import type { CallRefused, CallTaken, LimitReading, TightestRate } from '../limits/call-limits.ts';
import { refusalWords } from '../limits/refusal-words.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { limitHeaders } from './limit-headers.ts';
import { readLimits } from './limit-readings.ts';
import { expectedAmounts, NOTHING } from './metering.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { rotationHeaders } from './rotation-headers.ts';
import { standingFor } from './standing.ts';
import { modelSinceMs, resolveModel } from './targets.ts';
import type { Candidate, ResolvedModel } from './targets.ts';

/**
 * The verdict on a proven key: first everything that can be said without changing anything, then
 * its limits, taken all or none. What is taken for the call is given back when it settles.
 */
export function admit(gateway: Gateway, call: Call): Refusal | null {
  const { key } = call;
  if (key === null) return refusal('internal_error');
  const nowMs = gateway.clock.now();
  const bound = standingFor(gateway, call, key);
  call.ownerId = bound.standing.owners[0]?.id ?? null;
  const first = decisionInput(call, bound.standing, nowMs);
  call.responseBytesMax = bound.responseBytesMax;
  let verdict = decide(first);
  // Nearly every call is allowed its first model: the others are looked at only where it is not.
  const input = verdict.allowed ? first : ledInput(first, candidatesOf(call));
  if (input !== first) verdict = decide(input);
  call.judgedModel = input.facts.model;
  if (!verdict.allowed) {
    call.decision = writeDecision(input);
    return refusal(verdict.code);
  }

  const { limits, isMetered, asksPrice } = bound;
  const expected = isMetered ? expectedAmounts(call) : NOTHING;
  // A budget that does not know the price would be no budget.
  if (expected.nanoUsd === null && asksPrice) return refusal('price_unknown');
  const need = isMetered ? { tokens: expected.tokens, nanoUsd: expected.nanoUsd ?? 0 } : NOTHING;
  const outcome = limits.take(nowMs, need);
  if (!outcome.ok) {
    // Where no limit refused, there was no room for the call to be counted: no decision on the key.
    if (outcome.by !== null) {
      call.decision = writeDecision({ ...input, limits: readLimits(limits, outcome, need, nowMs) });
    }
    const readings = outcome.by === null ? [] : limits.read(nowMs, need);
    return overLimit(call, outcome, readings, nowMs);
  }
  call.limits = limits;
  call.reservation = outcome.reservation;
  call.keyHeaders = keyHeaders(call, outcome, nowMs);
  return null;
}

function keyHeaders(
  call: Call,
  { tightest, tightestTokens, softExceeded }: CallTaken,
  nowMs: number,
): readonly string[] {
  const headers = limitHeaders(call.dialect, tightest, tightestTokens, nowMs);
  const { matchedSecret } = call;
  const isRetiring = matchedSecret?.state === 'retiring';
  if (!isRetiring && softExceeded.length === 0) return headers;
  return [
    ...headers,
    ...(softExceeded.length === 0 ? NONE : ['x-keyward-budget', 'soft-exceeded']),
    ...(isRetiring ? rotationHeaders(matchedSecret, call.key?.prepared.record.expiresAtMs ?? null) : NONE),
  ];
}

const NONE: readonly string[] = [];

function overLimit(call: Call, refused: CallRefused, readings: readonly LimitReading[], nowMs: number): Refusal {
  const { code, by, retryAfterMs } = refused;
  const refusing = by === null ? null : { reading: by, retryAfterMs };
  call.keyHeaders = limitHeaders(
    call.dialect,
    tightestOf('rate', readings, refusing, nowMs),
    tightestOf('tokens', readings, refusing, nowMs),
    nowMs,
  );
  return refusal(code, { retryAfterMs, message: refusalWords(refused) });
}

/** The limit of the kind that refused, or else that with the least left. */
function tightestOf(
  kind: 'rate' | 'tokens',
  readings: readonly LimitReading[],
  refusing: { readonly reading: LimitReading; readonly retryAfterMs: number | null } | null,
  nowMs: number,
): TightestRate | null {
  const alike = readings.filter((each) => each.kind === kind);
  const [first] = alike.toSorted((a, b) => a.limit - a.used - (b.limit - b.used));
  const told = refusing?.reading.kind === kind ? refusing.reading : first;
  if (told === undefined) return null;
  const { limit, used, windowMs, resetsAtMs } = told;
  const hasRefused = told === refusing?.reading;
  const resetMs = resetsAtMs === null ? 0 : Math.max(0, resetsAtMs - nowMs);
  return {
    limit,
    remaining: hasRefused && kind === 'rate' ? 0 : Math.max(0, Math.floor(limit - used)),
    resetMs: hasRefused ? (refusing.retryAfterMs ?? resetMs) : resetMs,
    windowMs,
  };
}

/** What a verdict on the call depends on, but for its limits. */
export function decisionInput(call: Call, standing: Standing, nowMs: number): DecisionInput {
  return {
    standing,
    matchedSecret: call.matchedSecret,
    expectedEnvironment: null,
    delegation: call.delegation,
    facts: factsOf(call),
    limits: null,
    nowMs,
  };
}

/** What the call asks for, in the engine's words; of an alias its first model. */
export function factsOf(call: Call): RequestFacts {
  const { requestedModel, workspace, inbound, head } = call;
  const resolved = resolvedOf(call);
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
    requestBytes: call.body?.length ?? null,
  };
}

function candidatesOf(call: Call): readonly Candidate[] {
  return resolvedOf(call)?.candidates ?? [];
}

/** Null where no alias counts, and for a body that was not understood, which names no model; nor does a list of models. */
function resolvedOf({ requestedModel, workspace, direct, dialect }: Call): ResolvedModel | null {
  if (requestedModel === null || workspace === null || direct) return null;
  return resolveModel(workspace, dialect, requestedModel);
}
