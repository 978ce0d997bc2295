import type { ErrorCode } from '../errors.ts';
import { ERRORS } from '../errors.ts';
import type { Call } from '../gateway/call.ts';
import { publicForm, refusal } from '../gateway/refusal.ts';
import type { Refusal } from '../gateway/refusal.ts';
import { settle } from '../gateway/settle.ts';
import type { RequestFacts } from '../keys/decision-input.ts';
import type { BackendToken } from './backend-token.ts';
import type { LiveReal } from './bindings.ts';
import type { Engine, Proven } from './engine.ts';
import { openCall, policyContext, proveAgain, take, tellRefused } from './engine.ts';
import { inProcess } from './in-process.ts';
import { completed, judgeText } from './verify.ts';

export interface ResolveOptions extends Partial<RequestFacts> {
  /** The backend token, which only the backend has. */
  readonly credential: string;
}

/** The real key, for a call that the backend makes itself. */
export interface ResolvedKey {
  readonly ok: true;
  readonly secret: string;
  readonly baseUrl: string;
  /** The header that carries it, and its whole value. */
  readonly header: string;
  readonly value: string;
  readonly kid: string;
  /** Of the record of this resolve. */
  readonly requestId: string;
}

export interface UnresolvedKey {
  readonly ok: false;
  readonly code: ErrorCode;
  /** What whoever sent the key may be told. */
  readonly answer: { readonly status: number; readonly code: string; readonly message: string };
  readonly retryAfterMs: number | null;
  readonly requestId: string;
}

const OPERATION = 'resolve';

/**
 * Hands out a real key, to the backend alone: who holds a masked key is not thereby given the real
 * one. Counts as a call of the key, and leaves a record with who asked and what came of it.
 */
export async function resolve(
  engine: Engine,
  backend: BackendToken,
  text: string,
  { credential, ...facts }: ResolveOptions,
): Promise<ResolvedKey | UnresolvedKey> {
  const call = openCall(engine, inProcess('RESOLVE', facts.address ?? ''));
  call.operation = OPERATION;
  const caller = backend.prove(credential);
  call.head = recordedHead(caller);
  const real = caller === null ? refusal('backend_unproven') : await judged(engine, call, text, facts);
  const isResolved = !('code' in real);
  if (!isResolved) {
    call.code = real.code;
    tellRefused(engine, 'resolve', call, real);
  }
  call.status = isResolved ? 200 : (real.status ?? ERRORS[real.code].status);
  call.complete = isResolved;
  settle(engine.gateway, call);
  return isResolved ? resolved(engine, call, real) : unresolved(call, real);
}

async function judged(
  engine: Engine,
  call: Call,
  text: string,
  facts: Partial<RequestFacts>,
): Promise<LiveReal | Refusal> {
  const proven = await judgeText(engine, call, text, completed(facts));
  if ('code' in proven) return proven;
  if (proven.denied !== null) return proven.denied;
  if (engine.policies.asksBefore) {
    const denied =
      (await engine.policies.before(policyContext('resolve', call, proven))) ?? (await proveAgain(engine, call));
    if (denied !== null) return denied;
  }
  const real = await realOf(engine, call, proven);
  if ('code' in real) return real;
  const limited = take(engine, call, proven, NOTHING);
  if (limited !== null) return limited;
  call.credentialId = real.row.id;
  return real;
}

const NOTHING = { tokens: 0, nanoUsd: 0 };

/** The real key behind a proven one; what cannot be read is told to operators only. */
export async function realOf(
  engine: Engine,
  call: Call,
  { binding }: Pick<Proven, 'binding'>,
): Promise<LiveReal | Refusal> {
  if (binding.realId === null) return refusal('no_credential');
  try {
    return (await engine.bindings.real(binding.realId)) ?? refusal('no_credential');
  } catch (error) {
    engine.gateway.log('error', 'real key look-up failed', { requestId: call.requestId, reason: String(error) });
    return refusal('key_store_unavailable', { retryAfterMs: 1000 });
  }
}

/** Who asked stands where other records name the caller's program. */
function recordedHead(caller: string | null): Call['head'] {
  return {
    path: '',
    query: '',
    authorization: null,
    xApiKey: null,
    apiKey: null,
    xGoogApiKey: null,
    contentType: null,
    contentEncoding: null,
    forwardedFor: null,
    userAgent: caller === null ? 'without the backend token' : `backend ${caller}`,
    anthropicVersion: false,
    session: null,
    tags: null,
  };
}

function resolved(engine: Engine, call: Call, { row, secret }: LiveReal): ResolvedKey {
  const kid = call.kid ?? '';
  engine.emit({ kind: 'resolved', kid, atMs: call.startedAtMs, requestId: call.requestId });
  const { baseUrl, header, prefix } = row;
  return { ok: true, secret, baseUrl, header, value: prefix + secret, kid, requestId: call.requestId };
}

function unresolved(call: Call, why: Refusal): UnresolvedKey {
  const { code, retryAfterMs } = why;
  return { ok: false, code, answer: publicForm(why), retryAfterMs, requestId: call.requestId };
}
