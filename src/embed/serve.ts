/** The way of a masked call, from top to bottom: as in the gateway, but that the key itself says where it goes. */
import { admit, factsOf } from '../gateway/admit.ts';
import type { Call } from '../gateway/call.ts';
import { clientAddress, clientCountry } from '../gateway/client-address.ts';
import { exchange } from '../gateway/exchange.ts';
import type { Inbound } from '../gateway/inbound.ts';
import { readBody } from '../gateway/read-body.ts';
import { readPassthroughRequest } from '../gateway/read-request.ts';
import { refusal } from '../gateway/refusal.ts';
import type { Refusal } from '../gateway/refusal.ts';
import { refuse } from '../gateway/refuse.ts';
import { readRequestHead } from '../gateway/request-head.ts';
import type { RequestHead } from '../gateway/request-head.ts';
import { guessDialect, PASSTHROUGH_METHODS } from '../gateway/routes.ts';
import { settle } from '../gateway/settle.ts';
import { NO_CREDENTIAL } from '../gateway/prepare-upstream.ts';
import { passthroughTarget } from '../gateway/targets.ts';
import type { Target } from '../gateway/targets.ts';
import type { LiveReal } from './bindings.ts';
import type { Engine } from './engine.ts';
import { bindingOf, judge, openCall, policyContext, proveAgain, proveText, tellRefused } from './engine.ts';
import { findMaskedKey } from './find-masked-key.ts';
import { answerHeaderNames, maskedRequest } from './masked-request.ts';
import type { PolicyContext } from './policies.ts';
import { guardUpstream } from './redact.ts';
import { realOf } from './resolve.ts';

/** Serves one request below `basePath`. Never rejects: what goes wrong becomes an answer and a record. */
export async function serve(engine: Engine, inbound: Inbound, basePath: string): Promise<void> {
  const { gateway } = engine;
  const call = openCall(engine, inbound);
  const asked: Asked = { context: null };
  try {
    const refused = await answer(engine, call, basePath, asked);
    if (refused !== null) {
      refuse(call, refused);
      tellRefused(engine, 'call', call, refused);
    }
  } catch (error) {
    gateway.log('error', 'call failed', { requestId: call.requestId, reason: describe(error) });
    call.upstream?.abort();
    refuse(call, refusal('internal_error'));
  } finally {
    settle(gateway, call);
  }
  if (asked.context !== null) await tellOutcome(engine, call, asked.context);
}

/** What policies were asked, for when they look afterwards. */
interface Asked {
  context: PolicyContext | null;
}

async function answer(engine: Engine, call: Call, basePath: string, asked: Asked): Promise<Refusal | null> {
  const { gateway } = engine;
  const head = readMaskedHead(call, basePath);
  if ('code' in head) return head;
  const { settings } = call.config;
  call.clientAddress = clientAddress(call.clientAddress, head, settings.trustedProxyHops);
  call.country = clientCountry(call.inbound.headers, settings);

  const key = findMaskedKey(head, call.inbound.headers, engine.prefix, settings.allowKeyInQuery);
  if (typeof key !== 'string') return key;
  const proof = proveText(engine, call, key);
  const unproven = proof instanceof Promise ? await proof : proof;
  if (unproven !== null) return unproven;

  const unread = await readBody(call);
  if (unread !== null) return unread;
  // A body may take minutes to come in: what counts is what the key may do now.
  const gone = await proveAgain(engine, call);
  if (gone !== null) return gone;

  const binding = await bindingOf(engine, call);
  if ('code' in binding) return binding;
  const real = await realOf(engine, call, { binding });
  // A key that may not call at all is told so before anything else about it.
  if (!('code' in real)) readAsked(call, head, real);
  if (engine.policies.asksBefore || engine.policies.asksAfter) {
    const proven = judge(engine, call, binding, factsOf(call));
    if ('code' in proven) return proven;
    if (proven.denied !== null) return proven.denied;
    asked.context = policyContext('call', call, proven);
    const denied = (await engine.policies.before(asked.context)) ?? (await proveAgain(engine, call));
    if (denied !== null) return denied;
    if (!('code' in real)) call.workspace = real.workspace;
  }
  const refused = admit(gateway, call);
  if (refused !== null) return refused;
  return 'code' in real ? real : send(engine, call, head, real, key);
}

/** The head with the path that the provider will see, which is the one that scopes speak of. */
function readMaskedHead(call: Call, basePath: string): RequestHead | Refusal {
  const head = readRequestHead(call.inbound);
  if ('code' in head) return head;
  const isBelow = head.path.startsWith(`${basePath}/`);
  const masked = { ...head, path: isBelow ? head.path.slice(basePath.length) : head.path };
  call.head = masked;
  call.dialect = guessDialect(masked.path);
  if (!isBelow)
    return refusal('path_not_found', { message: `There is no such path here. Calls go below ${basePath}/.` });
  if (PASSTHROUGH_METHODS.includes(call.inbound.method)) return masked;
  return refusal('method_not_allowed', { headers: ['allow', PASSTHROUGH_METHODS.join(', ')] });
}

/**
 * Reads what the call asks for where its path is one of a known wire format. A body that is not of
 * that form may be just what this provider wants: such a call passes, as one that asks for all of it.
 */
function readAsked(call: Call, head: RequestHead, { row, workspace }: LiveReal): void {
  call.workspace = workspace;
  const unread = readPassthroughRequest(call, head, { kind: 'passthrough', providerId: row.provider, rest: head.path });
  if (unread === null) return;
  call.reading = null;
  call.stream = false;
  call.operation = 'passthrough';
  call.requestedModel = `${row.provider}/*`;
}

function send(
  engine: Engine,
  call: Call,
  head: RequestHead,
  real: LiveReal,
  key: string,
): Refusal | Promise<Refusal | null> {
  if (head.path.includes(key) || head.query.includes(key)) return refusal('credential_in_query');
  const target = guardedTarget(call, real);
  if ('code' in target) return target;
  call.target = target;
  call.credentialId = real.row.id;
  return exchange(engine.gateway, call, target, {
    request: maskedRequest(call, head, real, key),
    hideUsage: false,
    translation: null,
    credential: NO_CREDENTIAL,
  });
}

/** Made for one call: which of the provider's headers go on is known once they are here. */
function guardedTarget(call: Call, { row, workspace, upstream, secret }: LiveReal): Target | Refusal {
  const model = call.reading === null ? null : (call.requestedModel ?? '').slice(row.provider.length + 1);
  const target = passthroughTarget(workspace, row.provider, call.reading === null ? null : call.dialect, model);
  if ('code' in target) return target;
  const responseHeaders: string[] = [];
  const guarded = guardUpstream({
    upstream,
    secret,
    onHead: (headers) => responseHeaders.push(...answerHeaderNames(headers)),
  });
  return {
    ...target,
    dialect: { ...target.dialect, responseHeaders },
    endpoint: { ...target.endpoint, upstream: guarded },
  };
}

function tellOutcome({ policies }: Engine, call: Call, context: PolicyContext): Promise<void> {
  return policies.after(context, {
    requestId: call.requestId,
    status: call.status,
    code: call.code,
    inputTokens: call.usage?.inputTokens ?? null,
    outputTokens: call.usage?.outputTokens ?? null,
    costNanoUsd: call.costNanoUsd,
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
