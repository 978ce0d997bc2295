import type { CallRow } from '../calls/call-record.ts';
import type { CallAmounts, CallLimits, LimitReservation } from '../limits/call-limits.ts';
import { warningText } from '../llm/warning-text.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { amountsUsed, meter, tellsTokens } from './metering.ts';
import { tagsText } from './tags.ts';
import { withoutSecrets } from './without-secrets.ts';

const PATH_LENGTH_MAX = 512;
const NAME_LENGTH_MAX = 256;
/** The longest address is 45 characters; what a proxy wrote may be anything. */
const ADDRESS_LENGTH_MAX = 64;

/** The end of every call, however it went: what it held is given back, and its record is queued. */
export function settle(gateway: Gateway, call: Call): void {
  meter(call);
  const { limits, reservation } = call;
  call.limits = null;
  call.reservation = null;
  limits?.release();
  const row = callRow(gateway, call);
  if (limits === null || reservation === null) {
    gateway.calls.push(row, null);
    return;
  }
  const used = amountsUsed(call);
  gateway.calls.push(row, () => book(gateway, call, limits, reservation, used));
}

function book(
  gateway: Gateway,
  call: Call,
  limits: CallLimits,
  reservation: LimitReservation,
  used: CallAmounts,
): void {
  if (limits.settle(reservation, used, gateway.clock.now())) return;
  gateway.log('error', 'what a call used could not be booked', { requestId: call.requestId, ...used });
}

/** In the order of CALL_FIELDS; a test holds the two together. */
function callRow(gateway: Gateway, call: Call): CallRow {
  const record = call.key?.prepared.record;
  const { head, target } = call;
  const usage = tellsTokens(call.usage) ? call.usage : null;
  return [
    call.requestId,
    call.startedAtMs,
    record?.workspaceId ?? null,
    record?.applicationId ?? null,
    call.keyFingerprint,
    call.kid,
    call.inbound.method,
    head === null ? '' : recorded(head.path, PATH_LENGTH_MAX),
    call.dialect.name,
    call.operation,
    recordedOrNull(call.requestedModel),
    target?.provider.snapshot.id ?? null,
    recordedOrNull(target?.model ?? null),
    call.credentialId,
    call.stream ? 1 : 0,
    call.status,
    call.upstreamStatus,
    recordedOrNull(call.upstreamRequestId),
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
    recorded(call.clientAddress, ADDRESS_LENGTH_MAX),
    recordedOrNull(head?.userAgent ?? null),
    call.ownerId,
    call.delegated?.parentKid ?? record?.parentKid ?? null,
    call.matchedSecret === null ? null : (call.matchedSecret.generation ?? 1),
    recordedOrNull(head?.session ?? null),
    call.country,
    call.costNanoUsd,
    call.usageEstimated ? 1 : 0,
    call.decision,
    call.config.version,
    gateway.worker,
    tagsText(call.tags),
    call.warnings.length === 0 ? null : warningText(call.warnings),
    usageDetail(call),
    call.fromCache ? 1 : 0,
    recordedOrNull(call.upstreamCode),
  ];
}

/** What only some calls have of usage, as JSON; null for the others. */
function usageDetail({ usage, reading, upstreamStatus }: Call): string | null {
  const media = upstreamStatus !== null && upstreamStatus < 300 ? reading?.media : undefined;
  const { cacheWrite1hTokens = 0, audioInputTokens = 0, audioOutputTokens = 0, imageOutputTokens = 0 } = usage ?? {};
  const tokens = cacheWrite1hTokens + audioInputTokens + audioOutputTokens + imageOutputTokens;
  const audioMs = usage?.audioMs ?? media?.audioMs ?? 0;
  const characters = media?.characters ?? 0;
  const searchUnits = usage?.searchUnits ?? 0;
  if (tokens + searchUnits + audioMs + characters === 0) return null;
  return JSON.stringify({
    ...(tokens > 0 && { cacheWrite1hTokens, audioInputTokens, audioOutputTokens, imageOutputTokens }),
    ...(searchUnits > 0 && { searchUnits }),
    ...(audioMs > 0 && { audioSeconds: audioMs / 1000 }),
    ...(characters > 0 && { characters }),
  });
}

/** Milliseconds with three decimals: more is noise. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function recordedOrNull(text: string | null): string | null {
  return text === null ? null : recorded(text, NAME_LENGTH_MAX);
}

/** A text that somebody else chose: without keys, and bounded. */
function recorded(text: string, lengthMax: number): string {
  const clean = withoutSecrets(text);
  return clean.length <= lengthMax ? clean : clean.slice(0, lengthMax);
}
