/**
 * The way of a call, from top to bottom. Each step is a file beside this one; it either finds out
 * something about the call or returns a refusal. What branches on outcomes is here.
 */
import { admit } from './admit.ts';
import { answerModels, answerProbe, answerTokenEstimate } from './answer-locally.ts';
import { authenticate, isOutdated, proveKey } from './authenticate.ts';
import { Call } from './call.ts';
import { answerFromCache } from './cached-answer.ts';
import { clientAddress, clientCountry } from './client-address.ts';
import type { Gateway } from './gateway.ts';
import type { Inbound } from './inbound.ts';
import { planRoute } from './plan-route.ts';
import { readBody } from './read-body.ts';
import { readModelRequest, readPassthroughRequest } from './read-request.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { refuse } from './refuse.ts';
import { readRequestHead } from './request-head.ts';
import { guessDialect, matchRoute } from './routes.ts';
import { settle } from './settle.ts';
import { readTags } from './tags.ts';
import { tryTargets } from './try-targets.ts';

/** Serves one request. Never rejects: what goes wrong becomes an answer and a record. */
export async function handle(gateway: Gateway, inbound: Inbound): Promise<void> {
  const call = openCall(gateway, inbound);
  try {
    const refused = await serve(gateway, call);
    if (refused !== null) refuse(call, refused);
  } catch (error) {
    // A bug of ours: the caller learns the request id, the log the rest; the other calls go on.
    gateway.log('error', 'call failed', { requestId: call.requestId, reason: describe(error) });
    call.upstream?.abort();
    refuse(call, refusal('internal_error'));
  } finally {
    if (call.recorded) settle(gateway, call);
  }
}

async function serve(gateway: Gateway, call: Call): Promise<Refusal | null> {
  const head = readRequestHead(call.inbound);
  if ('code' in head) return head;
  call.head = head;
  call.clientAddress = clientAddress(call.inbound.remoteAddress, head, call.config.settings.trustedProxyHops);
  call.country = clientCountry(call.inbound.headers, call.config.settings);
  call.dialect = guessDialect(head.path);

  if (head.tags !== null) {
    const tags = readTags(head.tags);
    if (tags === null) return UNREADABLE_TAGS;
    call.tags = tags;
  }

  const route = matchRoute(call.inbound.method, head);
  if ('code' in route) return route;
  if (route.kind === 'probe') return answerProbe(gateway, call, route);
  if (route.kind !== 'passthrough') call.dialect = route.dialect;

  // The key comes before the body: a caller without one is not worth reading.
  const authenticated = authenticate(gateway, call, head);
  const unproven = authenticated instanceof Promise ? await authenticated : authenticated;
  if (unproven !== null) return unproven;

  if (route.kind === 'models') {
    call.operation = 'models';
    return admit(gateway, call) ?? answerModels(gateway, call, route.model);
  }

  const unread = await readBody(call);
  if (unread !== null) return unread;

  // A body may take minutes to come in: what counts is what the key may do now.
  if (isOutdated(gateway, call)) {
    const gone = await proveKey(gateway, call, call.kid ?? '');
    if (gone !== null) return gone;
  }

  const unfit =
    route.kind === 'model' ? readModelRequest(call, head, route) : readPassthroughRequest(call, head, route);
  // A key that may not call at all is told so before its body is discussed.
  const denied = admit(gateway, call);
  if (denied !== null) return denied;
  if (unfit !== null) return unfit;

  const cached = answerFromCache(gateway, call, route);
  if (cached !== 'not-kept') return cached;
  const plan = planRoute(gateway, call, route);
  if ('code' in plan) return plan;
  const first = plan.stops[0]?.target;
  if (first?.native === null && route.kind === 'model' && route.operation === 'count_tokens') {
    const estimated = await answerTokenEstimate(call, route, first);
    if (estimated !== 'provider-counts') return estimated === 'answered' ? null : estimated;
  }
  return tryTargets(gateway, call, route, plan);
}

const UNREADABLE_TAGS = refusal('invalid_request', {
  message: 'The header x-keyward-tags must hold at most 16 labels such as "team=search, nightly". Correct it.',
});

function openCall(gateway: Gateway, inbound: Inbound): Call {
  return new Call({
    inbound,
    requestId: gateway.nextRequestId(),
    startedAtMs: gateway.clock.now(),
    config: gateway.config,
    dialect: guessDialect('/'),
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
