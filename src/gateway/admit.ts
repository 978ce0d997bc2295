import { decide } from '../keys/decide.ts';
import type { LimitRefused } from '../limits/key-limiter.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { limitHeaders } from './limit-headers.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { rotationHeaders } from './rotation-headers.ts';
import { resolveModel } from './targets.ts';

/**
 * The verdict on a proven key: first everything that can be said without changing anything, then
 * its limits, taken all or none. What is taken for the call is given back when it settles.
 */
export function admit(gateway: Gateway, call: Call): Refusal | null {
  const { key, workspace } = call;
  if (key === null) return refusal('internal_error');
  const { record } = key.prepared;
  const nowMs = gateway.clock.now();
  const verdict = decide({
    key: key.prepared,
    secretMatches: true,
    matchedSecret: call.matchedSecret,
    application: workspace?.snapshot.applications[record.applicationId] ?? null,
    workspace: workspace?.snapshot ?? null,
    facts: {
      model: resolvedName(call),
      requestedModel: call.requestedModel,
      operation: call.operation,
      address: call.clientAddress,
      method: call.inbound.method,
      path: call.head?.path ?? '',
    },
    limits: null,
    nowMs,
  });
  if (!verdict.allowed) return refusal(verdict.code);
  const outcome = key.limiter.take(nowMs);
  if (!outcome.ok) return overLimit(call, outcome, nowMs);
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

/** The model's full name for the scope checks; null for calls without a model, and for bodies not understood. */
function resolvedName(call: Call): string | null {
  const { requestedModel, workspace } = call;
  if (requestedModel === null || workspace === null) return null;
  return call.operation === 'passthrough' ? requestedModel : resolveModel(workspace, call.dialect, requestedModel).name;
}
