/**
 * Active health: an endpoint that was left alone because it failed is asked in the background, with
 * a question that costs nothing, shortly before a caller's call would have to try it. Only endpoints
 * that calls have found to fail are asked; those that nobody uses never are.
 */
import type { EndpointSnapshot, ProviderSnapshot, Snapshot } from '../config/snapshot.ts';
import type { Clock } from '../lib/clock.ts';
import type { DialectName } from '../llm/dialect.ts';
import { dialectOf } from '../llm/variants.ts';
import { Breaker } from '../routing/breaker.ts';
import { openHealthTable } from '../routing/health-table.ts';
import { parseOrigin } from './live-config.ts';
import { createHttpUpstream } from './upstream-http.ts';
import type { UpstreamFailureKind, UpstreamRequest } from './upstream.ts';

export interface ActiveHealthOptions {
  readonly health: SharedArrayBuffer;
  /** The configuration in force. */
  readonly snapshot: () => Snapshot;
  readonly clock: Clock;
}

/** What came of asking an endpoint. */
export interface HealthProbe {
  readonly atMs: number;
  readonly serves: boolean;
}

export interface ActiveHealth {
  /** Of an origin that was asked; null: it was not, since the start. */
  lastProbe(origin: string): HealthProbe | null;
  stop(): void;
}

const SWEEP_MS = 500;
/** Earlier than the moment at which a call would try: longer than a sweep, or calls would be first. */
const AHEAD_MS = 1_000;
const AT_A_TIME_MAX = 8;
const TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 1_048_576;
/** About an hour in vain; from then on the next call tries, if there is one. */
const OPENINGS_MAX = 60;
/** So many errors in a row, told or waited for, say something of the question perhaps and not of calls: one call tries. */
const DOUBTS_MAX = 2;
/** Who answered the question and failed calls again so soon is left to calls. */
const VAIN_MS = 300_000;

interface Watched {
  readonly origin: string;
  question: UpstreamRequest;
  readonly breaker: Breaker;
  doubts: number;
  /** Of the openings the one that is left to a call. */
  leftAt: number;
  vouchedAtMs: number;
  last: HealthProbe | null;
}

/** Begins to watch; of the whole machine one thread does. */
export function startActiveHealth({ health, snapshot, clock }: ActiveHealthOptions): ActiveHealth {
  const table = openHealthTable(health);
  let known: Snapshot | null = null;
  let watched = new Map<string, Watched>();
  let underWay = 0;

  function refresh(): void {
    const current = snapshot();
    if (current === known) return;
    known = current;
    const before = watched;
    watched = new Map();
    for (const [origin, question] of questionsOf(current)) {
      const one = before.get(origin) ?? watch(origin, question);
      one.question = question;
      watched.set(origin, one);
    }
  }

  function watch(origin: string, question: UpstreamRequest): Watched {
    const breaker = new Breaker({ name: origin, table, random: Math.random });
    return { origin, question, breaker, doubts: 0, leftAt: 0, vouchedAtMs: Number.NEGATIVE_INFINITY, last: null };
  }

  function sweep(): void {
    refresh();
    if (known?.gateway.activeHealth !== true) return;
    const nowMs = clock.now();
    for (const one of watched.values()) {
      if (underWay >= AT_A_TIME_MAX) return;
      if (isDue(one, nowMs) && one.breaker.enterAhead(nowMs, AHEAD_MS)) void probe(one);
    }
  }

  async function probe(one: Watched): Promise<void> {
    underWay += 1;
    const outcome = await ask(one);
    underWay -= 1;
    note(one, outcome, clock.now());
  }

  const timer = setInterval(sweep, SWEEP_MS).unref();
  return {
    lastProbe: (origin) => watched.get(origin)?.last ?? null,
    stop: () => clearInterval(timer),
  };
}

function isDue(one: Watched, nowMs: number): boolean {
  const openings = one.breaker.openings();
  if (openings === 0) {
    one.doubts = 0;
    return false;
  }
  return openings <= OPENINGS_MAX && openings !== one.leftAt && nowMs - one.vouchedAtMs > VAIN_MS;
}

function note(one: Watched, outcome: Outcome, nowMs: number): void {
  one.last = { atMs: nowMs, serves: outcome === 'serves' };
  if (outcome === 'serves') {
    one.vouchedAtMs = nowMs;
    one.breaker.vouched(nowMs);
    return;
  }
  one.breaker.failed('unavailable', null, true, nowMs);
  one.doubts = outcome === 'unreachable' ? 0 : one.doubts + 1;
  if (one.doubts < DOUBTS_MAX) return;
  one.doubts = 0;
  one.leftAt = one.breaker.openings();
}

type Outcome = 'serves' | 'fails' | 'unreachable';

const UNREACHABLE: ReadonlySet<UpstreamFailureKind> = new Set(['connect_failed', 'connect_timeout']);

/** Any answer but a failure of the server's will do: whether it likes the credential is another matter. */
function ask({ origin, question }: Watched): Promise<Outcome> {
  const upstream = createHttpUpstream(parseOrigin(origin), {
    connectTimeoutMs: TIMEOUT_MS,
    firstByteTimeoutMs: TIMEOUT_MS,
    idleTimeoutMs: TIMEOUT_MS,
    answerBytesMax: ANSWER_BYTES_MAX,
    connectionsMax: 1,
  });
  return new Promise<Outcome>((resolve) => {
    const call = upstream.send(question, {
      onHead: (status) => {
        call.abort();
        resolve(status < 500 || status === 501 ? 'serves' : 'fails');
      },
      onData: () => undefined,
      onEnd: () => undefined,
      onError: ({ kind }) => resolve(UNREACHABLE.has(kind) ? 'unreachable' : 'fails'),
    });
  }).finally(() => upstream.close());
}

/** What each origin is asked: one for which a free question is known goes before others. */
function questionsOf({ workspaces }: Snapshot): ReadonlyMap<string, UpstreamRequest> {
  const questions = new Map<string, UpstreamRequest>();
  for (const { providers } of Object.values(workspaces)) {
    for (const provider of Object.values(providers)) {
      if (provider.transport !== 'http') continue;
      for (const [name, endpoint] of Object.entries(provider.endpoints)) {
        const question = modelList(provider, name as DialectName, endpoint);
        if (question !== null) questions.set(endpoint.origin, question);
        else if (!questions.has(endpoint.origin)) questions.set(endpoint.origin, BARE);
      }
    }
  }
  return questions;
}

const ACCEPT = ['accept', 'application/json, */*'] as const;

/** Shows that somebody listens and speaks HTTP, and holds no secret. */
const BARE: UpstreamRequest = { method: 'GET', path: '/', headers: ACCEPT, body: null };

/** The list of models, with a credential that is sent as it stands; null where there is no such thing. */
function modelList(
  { credentials }: ProviderSnapshot,
  name: DialectName,
  endpoint: EndpointSnapshot,
): UpstreamRequest | null {
  const { healthPath } = dialectOf(name, endpoint.variant);
  const { authHeader, authPrefix, pathPrefix, headers, signing } = endpoint;
  const secret = credentials[0]?.secret;
  if (healthPath === undefined || signing !== undefined) return null;
  if (authHeader !== '' && secret === undefined) return null;
  const auth = authHeader === '' ? [] : [authHeader, authPrefix + (secret ?? '')];
  return { method: 'GET', path: pathPrefix + healthPath, headers: [...auth, ...headers, ...ACCEPT], body: null };
}
