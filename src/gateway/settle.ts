import type { CallRow } from '../calls/call-record.ts';
import { redactKeys } from '../keys/redact-keys.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';

const PATH_LENGTH_MAX = 512;
const NAME_LENGTH_MAX = 256;
/** The longest address is 45 characters; what a proxy wrote may be anything. */
const ADDRESS_LENGTH_MAX = 64;

/** The end of every call, however it went: what it held is given back, and its record is queued. */
export function settle(gateway: Gateway, call: Call): void {
  if (call.admitted) call.key?.limiter.release();
  call.admitted = false;
  gateway.calls.push(callRow(gateway, call));
}

/** In the order of CALL_FIELDS; a test holds the two together. */
function callRow(gateway: Gateway, call: Call): CallRow {
  const record = call.key?.prepared.record;
  const { head, target, usage } = call;
  return [
    call.requestId,
    call.startedAtMs,
    record?.workspaceId ?? null,
    record?.applicationId ?? null,
    call.keyFingerprint,
    call.kid,
    call.inbound.method,
    head === null ? '' : short(redactKeys(head.path), PATH_LENGTH_MAX),
    call.dialect.name,
    call.operation,
    call.requestedModel === null ? null : short(call.requestedModel, NAME_LENGTH_MAX),
    target?.provider.snapshot.id ?? null,
    target?.model ?? null,
    call.credentialId,
    call.stream ? 1 : 0,
    call.status,
    call.upstreamStatus,
    call.upstreamRequestId,
    call.code,
    call.attempts,
    call.firstByteAt === 0 ? null : round(call.firstByteAt - call.startedAt),
    round(performance.now() - call.startedAt),
    call.body?.length ?? 0,
    call.responseBytes,
    usage?.inputTokens ?? null,
    usage?.cachedInputTokens ?? null,
    usage?.cacheWriteTokens ?? null,
    usage?.outputTokens ?? null,
    usage?.reasoningTokens ?? null,
    call.complete ? 1 : 0,
    short(call.clientAddress, ADDRESS_LENGTH_MAX),
    head?.userAgent === null || head === null ? null : short(head.userAgent, NAME_LENGTH_MAX),
    call.key?.standing?.standing.owners[0]?.id ?? null,
    record?.parentKid ?? null,
    call.matchedSecret === null ? null : (call.matchedSecret.generation ?? 1),
    head === null || head.session === null ? null : short(head.session, NAME_LENGTH_MAX),
    call.country,
    null,
    0,
    call.decision,
    call.config.version,
    gateway.worker,
  ];
}

/** Milliseconds with three decimals: more is noise. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function short(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : text.slice(0, lengthMax);
}
