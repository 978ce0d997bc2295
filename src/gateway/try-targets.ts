import { isWorthReading } from '../llm/abilities.ts';
import { takesWholeCallsOnly } from '../llm/client-ways.ts';
import { mayHoldForeignMarks } from '../llm/foreign-marks.ts';
import { nextStep } from '../routing/retry.ts';
import type { Call } from './call.ts';
import { exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { isInOrder } from './plan-route.ts';
import type { RoutePlan, Stop } from './plan-route.ts';
import { prepareModelCall, preparePassthrough } from './prepare-upstream.ts';
import type { PreparedRequest } from './prepare-upstream.ts';
import { refusal } from './refusal.ts';
import type { AttemptFailure, Refusal } from './refusal.ts';
import type { ModelRoute, PassthroughRoute } from './routes.ts';
import { raceAttempts } from './race-attempts.ts';
import type { OpenedAttempt } from './race-attempts.ts';
import { isDown, takeSeat } from './seat.ts';
import type { Seat } from './seat.ts';
import { signUpstream } from './sign-upstream.ts';
import type { Target } from './targets.ts';
import { withTimeouts } from './timed-upstream.ts';
import { loadTranslation } from './translation.ts';

type CallRoute = ModelRoute | PassthroughRoute;

/** Where a call stands among its attempts. */
interface Course {
  stop: number;
  /** Credentials tried at this stop. */
  tried: string[];
  /** Attempts at this stop that failed because the provider did. */
  failuresHere: number;
}

/**
 * Tries the targets until one answers: the same again, or the next, as each failure says. Never
 * after the first byte has reached the caller. Resolves with null, or with why no attempt did it.
 */
export async function tryTargets(
  gateway: Gateway,
  call: Call,
  route: CallRoute,
  plan: RoutePlan,
): Promise<Refusal | null> {
  const course: Course = { stop: 0, tried: [], failuresHere: 0 };
  for (;;) {
    const refused = await attempt(gateway, call, route, plan, course);
    if (refused === null || call.inbound.answered || call.inbound.gone) return refused;
    // The request cannot be put into this target's words: another one's may do.
    if (refused.failure === null) {
      const next = UNFIT.has(refused.code) ? nextStop(gateway, call, plan, course.stop) : null;
      if (next === null) return refused;
      moveOn(course, next);
      continue;
    }
    const step = stepAfter(gateway, call, plan, course, refused.failure);
    if (step.kind === 'fail') return refused;
    if (step.kind === 'next-target') moveOn(course, step.stop);
    else if (!(await pause(call, step.waitMs))) return refusal('client_closed');
  }
}

/** What translation refuses. */
const UNFIT: ReadonlySet<string> = new Set(['invalid_body', 'dialect_unsupported', 'path_not_found']);

function moveOn(course: Course, stop: number): void {
  course.stop = stop;
  course.tried = [];
  course.failuresHere = 0;
}

type Step =
  | { readonly kind: 'fail' }
  | { readonly kind: 'here'; readonly waitMs: number }
  | { readonly kind: 'next-target'; readonly stop: number };

function stepAfter(gateway: Gateway, call: Call, plan: RoutePlan, course: Course, failure: AttemptFailure): Step {
  const target = plan.stops[course.stop]?.target;
  if (target === undefined) return { kind: 'fail' };
  const { pool } = gateway.routing.pool(call.workspace?.snapshot.id ?? '', target.provider);
  const next = nextStop(gateway, call, plan, course.stop);
  const step = nextStep(
    plan.policy,
    {
      kind: failure.kind,
      retryAfterMs: failure.retryAfterMs,
      attempts: call.attempts,
      failuresHere: course.failuresHere,
      elapsedMs: performance.now() - call.startedAt,
      hasCredential: pool.hasOther({ model: target.model, nowMs: gateway.clock.now(), tried: course.tried }),
      hasTarget: next !== null,
    },
    gateway.routing.endpoint(target.endpoint).retries,
    gateway.routing.random,
  );
  if (step.kind !== 'next-target') return step;
  return next === null ? { kind: 'fail' } : { kind: 'next-target', stop: next };
}

/** The next stop that has a chance now; where nothing was tried yet, any. */
function nextStop(gateway: Gateway, call: Call, { stops }: RoutePlan, after: number): number | null {
  for (let i = after + 1; i < stops.length; i += 1) {
    const target = stops[i]?.target;
    if (target !== undefined && isInOrder(gateway, call, target)) return i;
  }
  return call.attempts === 0 && after + 1 < stops.length ? after + 1 : null;
}

/**
 * One attempt at one target: prepare, send, relay. Only what has to wait is waited for: nearly every
 * call has one target, whose dialect it speaks, and gets through here without a turn of the loop.
 */
async function attempt(
  gateway: Gateway,
  call: Call,
  route: CallRoute,
  plan: RoutePlan,
  course: Course,
): Promise<Refusal | null> {
  const opening = openAttempt(gateway, call, route, plan, course);
  let opened = opening instanceof Promise ? await opening : opening;
  if ('code' in opened) return opened;
  if (plan.hedgeAfterMs !== null) {
    const open = async (second: Course) => openAttempt(gateway, call, route, plan, second);
    const raced = await race(gateway, call, plan, course, opened, open);
    if ('code' in raced) return raced;
    opened = raced;
  }
  const { target, seat, prepared } = opened;
  let refused: Refusal | null = INTERNAL_ERROR;
  try {
    if (call.attempts > 0) forgetAnswer(call);
    call.target = target;
    call.credentialId = seat.credential.id === '' ? null : seat.credential.id;
    call.seat = seat;
    refused = await exchange(gateway, call, target, prepared);
    if (refused !== null && refused.failure !== null && isDown(refused.failure.kind)) course.failuresHere += 1;
    return refused;
  } finally {
    call.seat = null;
    seat.end(refused === null ? 'whole' : (refused.failure ?? 'abandoned'));
  }
}

const INTERNAL_ERROR = refusal('internal_error');

/** Lets a second attempt run where the first does not begin to answer in time. */
async function race(
  gateway: Gateway,
  call: Call,
  plan: RoutePlan,
  course: Course,
  opened: OpenedAttempt,
  open: (second: Course) => Promise<OpenedAttempt | Refusal>,
): Promise<OpenedAttempt | Refusal> {
  const hedge = call.attempts > 0 ? null : nextStop(gateway, call, plan, course.stop);
  if (hedge === null || plan.hedgeAfterMs === null) return opened;
  const winner = await raceAttempts(gateway, call, opened, plan.hedgeAfterMs, () =>
    open({ stop: hedge, tried: [], failuresHere: 0 }),
  );
  if ('code' in winner) return winner;
  if (winner.hasRivals) moveOn(course, hedge);
  return winner.opened;
}

/** Takes what an attempt needs, and writes its request; nothing is sent yet. */
function openAttempt(
  gateway: Gateway,
  call: Call,
  route: CallRoute,
  plan: RoutePlan,
  course: Course,
): OpenedAttempt | Refusal | Promise<OpenedAttempt | Refusal> {
  const stop = plan.stops[course.stop];
  if (stop === undefined) return refusal('model_not_found');
  const target = route.kind === 'model' ? spokenBy(call, stop.target) : stop.target;
  call.target = target;
  if (route.kind !== 'model' || passesUnread(call, route, target))
    return openAt(gateway, call, route, plan, course, { target, load: stop.load });
  return readConversation(call, route, target).then(
    (unfit) => unfit ?? openAt(gateway, call, route, plan, course, { target, load: stop.load }),
  );
}

function passesUnread({ body }: Call, { operation, dialect }: ModelRoute, { native, traits }: Target): boolean {
  return native !== null && (operation !== 'chat' || body === null || !isWorthReading(dialect.name, traits, body));
}

async function readConversation(call: Call, route: ModelRoute, target: Target): Promise<Refusal | null> {
  const { readForTranslation, refuseUnfit } = await loadTranslation();
  return target.native === null ? readForTranslation(call, route, target) : refuseUnfit(call, route, target);
}

/** Not passed on as it is, though the dialects are the same: what another maker has marked, and streams for clients that read them in another way. */
function spokenBy(call: Call, target: Target): Target {
  if (target.native === null || call.operation !== 'chat' || call.body === null) return target;
  const passes =
    !mayHoldForeignMarks(call.body) &&
    !(call.stream && takesWholeCallsOnly(call.dialect, call.head?.userAgent ?? null));
  return passes ? target : { ...target, native: null };
}

function openAt(
  gateway: Gateway,
  call: Call,
  route: CallRoute,
  plan: RoutePlan,
  course: Course,
  { target, load }: Stop,
): OpenedAttempt | Refusal | Promise<OpenedAttempt | Refusal> {
  const seat = takeSeat(gateway, call, target, { tried: course.tried, affinity: plan.affinity, load });
  if ('code' in seat) return seat;
  course.tried.push(seat.credential.id);
  let prepared: PreparedRequest | Refusal;
  try {
    prepared =
      route.kind === 'model'
        ? prepareModelCall(call, route, target, seat.credential)
        : preparePassthrough(call, route, target, seat.credential);
  } catch (error) {
    seat.end('abandoned');
    throw error;
  }
  if ('code' in prepared || target.endpoint.snapshot.signing === undefined)
    return seated(gateway, call, target, plan, seat, prepared);
  return sign(gateway, target, seat, prepared).then((signed) => seated(gateway, call, target, plan, seat, signed));
}

async function sign(
  gateway: Gateway,
  target: Target,
  seat: Seat,
  prepared: PreparedRequest,
): Promise<PreparedRequest | Refusal> {
  try {
    const request = await signUpstream(gateway, target, seat.credential, prepared.request);
    return 'code' in request ? request : { ...prepared, request };
  } catch (error) {
    seat.end('abandoned');
    throw error;
  }
}

function seated(
  gateway: Gateway,
  call: Call,
  target: Target,
  plan: RoutePlan,
  seat: Seat,
  prepared: PreparedRequest | Refusal,
): OpenedAttempt | Refusal {
  if ('code' in prepared) {
    seat.end(prepared.failure ?? 'abandoned');
    return prepared;
  }
  if (call.attempts === 0) gateway.routing.endpoint(target.endpoint).retries.deposit();
  const elapsedMs = plan.timeouts.totalMs === null ? 0 : performance.now() - call.startedAt;
  return { target: withTimeouts(target, plan.timeouts, elapsedMs), seat, prepared };
}

/** What an attempt before this one has left: nothing of it has reached the caller. */
function forgetAnswer(call: Call): void {
  call.upstreamStatus = null;
  call.upstreamRequestId = null;
  call.upstreamCode = null;
  call.usage = null;
  call.costNanoUsd = null;
  call.complete = false;
  call.seenOutput = null;
  call.eventStream = false;
  call.failStream = null;
  call.warnings = NO_WARNINGS;
  if (call.cache !== null) Object.assign(call.cache, { chunks: [], bytes: 0 });
}

const NO_WARNINGS: Call['warnings'] = [];

/** Waits; false when the caller has left meanwhile. */
function pause(call: Call, waitMs: number): Promise<boolean> {
  const { inbound } = call;
  if (inbound.gone) return Promise.resolve(false);
  if (waitMs === 0) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (stays: boolean): void => {
      clearTimeout(timer);
      inbound.onGone = null;
      resolve(stays);
    };
    const timer = setTimeout(() => end(true), waitMs);
    inbound.onGone = () => end(false);
  });
}
