/** What is wrong with a provider's answer, told to the operator; what the caller learns of it is returned. */
import { AnswerFault, ToldFault } from '../llm/faults.ts';
import type { Call } from './call.ts';
import { classifyRead } from './classify.ts';
import type { Gateway } from './gateway.ts';
import { failureOf, refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { Target } from './targets.ts';
import type { UpstreamFailure } from './upstream.ts';

/** An answer that the caller's client could only choke on. */
export function invalidAnswer(gateway: Gateway, { requestId }: Call, target: Target, detail: string): Refusal {
  const provider = target.provider.snapshot.id;
  gateway.log('warn', 'provider answer refused', { requestId, provider, detail });
  return refusal('provider_answer_invalid', { failure: failureOf('unavailable') });
}

/** A stream that cannot be whole any more. */
export function brokenOff(message: string): Refusal {
  return refusal('provider_unavailable', { message, failure: failureOf('unavailable') });
}

/** What was thrown while an answer was read: an error that it tells, a fault of it, or a bug of ours. */
export function thrownBy(gateway: Gateway, call: Call, target: Target, error: unknown): Refusal {
  if (error instanceof ToldFault) return classifyRead(call, error.told, []);
  if (error instanceof AnswerFault) return invalidAnswer(gateway, call, target, error.message);
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  gateway.log('error', 'relay failed', { requestId: call.requestId, reason });
  return refusal('internal_error');
}

/** An exchange that broke off beneath HTTP, or took too long. */
export function logFailure(gateway: Gateway, { requestId }: Call, target: Target, failure: UpstreamFailure): void {
  const provider = target.provider.snapshot.id;
  gateway.log('warn', 'provider failed', { requestId, provider, kind: failure.kind, detail: failure.detail });
}
