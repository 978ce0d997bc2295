import type { CredentialSnapshot } from '../config/snapshot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Breaker } from '../routing/breaker.ts';
import type { CredentialPool, PoolMember, PoolReport } from '../routing/pool.ts';
import type { FailureKind } from '../routing/provider-error.ts';
import type { TargetLoad } from '../routing/target-load.ts';
import type { Call } from './call.ts';
import type { CredentialUse, CredentialWatch } from './credential-watch.ts';
import type { Gateway } from './gateway.ts';
import { NO_CREDENTIAL } from './prepare-upstream.ts';
import { refusal } from './refusal.ts';
import type { AttemptFailure, Refusal } from './refusal.ts';
import type { ProviderPool } from './routing-state.ts';
import type { Target } from './targets.ts';

/** What one attempt holds: a credential, and a place at the endpoint. `end` gives it back. */
export class Seat {
  readonly credential: CredentialSnapshot;
  readonly #clock: Clock;
  readonly #breaker: Breaker;
  /** Whether the endpoint, which was down, is tried with this attempt. */
  readonly #isProbe: boolean;
  readonly #borrowed: Borrowed | null;
  readonly #load: TargetLoad | null;
  readonly #watch: CredentialWatch;
  readonly #startedAt: number;

  constructor(
    { routing, clock }: Gateway,
    target: Target,
    load: TargetLoad | null,
    credential: CredentialSnapshot,
    borrowed: Borrowed | null,
  ) {
    this.credential = credential;
    this.#clock = clock;
    this.#watch = routing.watch;
    this.#breaker = routing.endpoint(target.endpoint).breaker;
    // One that is open gets here only where nothing else is left: better tried in vain than refused.
    this.#isProbe = this.#breaker.enter(clock.now()) === 'probe';
    this.#borrowed = borrowed;
    this.#load = load;
    this.#startedAt = load === null ? 0 : performance.now();
    if (load !== null) load.inFlight += 1;
    if (borrowed !== null) borrowed.use.underWay += 1;
  }

  /** The provider has begun to answer: which may still break off. */
  accepted(): void {
    const nowMs = this.#clock.now();
    if (this.#borrowed !== null) {
      this.#borrowed.use.passed += 1;
      this.#borrowed.pool.succeeded(this.#report(this.#borrowed, nowMs));
    }
    this.#breaker.succeeded(this.#isProbe, nowMs);
    this.#load?.observe(performance.now() - this.#startedAt, nowMs);
  }

  /** `abandoned`: without an outcome, since the caller left or another attempt was faster. */
  end(outcome: AttemptFailure | 'whole' | 'abandoned'): void {
    if (this.#load !== null) this.#load.inFlight -= 1;
    if (this.#borrowed !== null) this.#borrowed.use.underWay -= 1;
    if (outcome === 'whole') return;
    const nowMs = this.#clock.now();
    if (outcome === 'abandoned') this.#abandon(nowMs);
    else this.#fail(outcome, nowMs);
  }

  #fail(failure: AttemptFailure, nowMs: number): void {
    if (this.#borrowed !== null) {
      this.#borrowed.pool.failed(this.#report(this.#borrowed, nowMs), failure);
      this.#watch.failed(this.#borrowed.use, this.credential.secret, failure, nowMs);
    }
    if (isDown(failure.kind)) this.#breaker.failed(failure.kind, failure.retryAfterMs, this.#isProbe, nowMs);
    else this.#breaker.succeeded(this.#isProbe, nowMs);
  }

  #abandon(nowMs: number): void {
    const borrowed = this.#borrowed;
    if (borrowed?.isProbe === true) borrowed.pool.abandoned(this.#report(borrowed, nowMs));
    if (this.#isProbe) this.#breaker.abandoned(nowMs);
  }

  #report({ member, model, isProbe }: Borrowed, nowMs: number): PoolReport {
    return { member, model, isProbe, nowMs };
  }
}

/** The secret that the attempt under way was sent with; empty where it holds no seat, or needs none. */
export function sentCredential({ seat }: Call): string {
  return seat?.credential.secret ?? '';
}

export interface SeatOptions {
  /** Ids of credentials that this call has tried at this target. */
  readonly tried: readonly string[];
  /** Of the conversation, which is to stay with its credential. */
  readonly affinity: number | null;
  /** Null where no alias compares targets. */
  readonly load: TargetLoad | null;
}

/** Takes a credential for an attempt at the target, or says until when there is none. */
export function takeSeat(gateway: Gateway, call: Call, target: Target, options: SeatOptions): Seat | Refusal {
  const { provider, endpoint, model } = target;
  const known = gateway.routing.pool(call.workspace?.snapshot.id ?? '', provider);
  const { pool, credentials } = known;
  // Endpoints without a credential header ask for none: the sandbox, a model server on this machine.
  if (pool.members.length === 0) {
    if (endpoint.snapshot.authHeader !== '') return refusal('no_credential');
    return new Seat(gateway, target, options.load, NO_CREDENTIAL, null);
  }
  const nowMs = gateway.clock.now();
  const choice = pool.next({ model, nowMs, tried: options.tried, affinity: options.affinity });
  if (choice.kind === 'none') return noneLeft(known, choice.recoversAtMs, choice.why, target, nowMs);
  const { member, isProbe } = choice;
  const chosen = credentials.get(member.id);
  if (chosen === undefined) return refusal('no_credential');
  return new Seat(gateway, target, options.load, chosen.snapshot, { pool, member, model, isProbe, use: chosen.use });
}

/** A member of a pool, as it was chosen. */
interface Borrowed {
  readonly pool: CredentialPool;
  readonly member: PoolMember;
  readonly model: string | null;
  readonly isProbe: boolean;
  readonly use: CredentialUse;
}

/** Whether it is the endpoint that does not serve, and not what was asked or with which credential. */
export function isDown(kind: FailureKind): boolean {
  return kind === 'unavailable' || kind === 'overloaded' || kind === 'timeout';
}

function noneLeft(
  { pool }: ProviderPool,
  recoversAtMs: number | null,
  why: FailureKind | null,
  { provider, model }: Target,
  nowMs: number,
): Refusal {
  const name = provider.snapshot.id;
  if (recoversAtMs === null) {
    return refusal('no_credential', {
      message: `No credential of the provider "${name}" is for this model. An admin can add one.`,
    });
  }
  const retryAfterMs = Math.max(1, recoversAtMs - nowMs);
  const perModel = model !== null && pool.capacity(null, nowMs).usable > 0;
  if (why === 'rejected_credential') {
    return refusal('credential_rejected', { failure: { kind: why, retryAfterMs, perModel: false } });
  }
  const kind = why === 'quota_exhausted' ? why : 'rate_limited';
  const reason = why === null ? 'for several reasons' : WORDS[kind];
  return refusal('pool_exhausted', {
    retryAfterMs,
    message: `All credentials of the provider "${name}" are out of use${perModel ? ' for this model' : ''}: ${reason}. The soonest is back in ${Math.ceil(retryAfterMs / 1000)} s.`,
    failure: { kind, retryAfterMs, perModel },
  });
}

const WORDS = { rate_limited: 'rate limited', quota_exhausted: 'their quota is used up' } as const;
