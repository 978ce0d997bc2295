/**
 * Hedging: where an answer does not begin in time, a second attempt starts at another target, and
 * the first to begin wins. What the winner has sent so far is kept and told to whoever relays it,
 * so that nothing behind here knows of a race.
 */
import { readProviderError } from '../routing/provider-error.ts';
import type { Call } from './call.ts';
import { classifyFailure } from './classify.ts';
import type { Gateway } from './gateway.ts';
import type { PreparedRequest } from './prepare-upstream.ts';
import { refusal } from './refusal.ts';
import type { AttemptFailure, Refusal } from './refusal.ts';
import type { Seat } from './seat.ts';
import type { Target } from './targets.ts';
import type { Upstream, UpstreamCall, UpstreamFailure, UpstreamListener } from './upstream.ts';

/** An attempt that is ready to be sent. */
export interface OpenedAttempt {
  readonly target: Target;
  readonly seat: Seat;
  readonly prepared: PreparedRequest;
}

export interface Winner {
  /** To be relayed: its request is under way already. */
  readonly opened: OpenedAttempt;
  /** Whether the second attempt was made. */
  readonly hasRivals: boolean;
}

/** Sends the first attempt, and `openSecond` too when nothing has begun after `afterMs`. */
export async function raceAttempts(
  gateway: Gateway,
  call: Call,
  first: OpenedAttempt,
  afterMs: number,
  openSecond: () => Promise<OpenedAttempt | Refusal>,
): Promise<Winner | Refusal> {
  if (call.inbound.gone) {
    first.seat.end('abandoned');
    return refusal('client_closed');
  }
  const race = new Race(call);
  const runners = [race.start(first)];
  await race.outcome(afterMs);
  if (race.isUndecided()) {
    const second = await openSecond();
    // One that cannot be had changes nothing for the first.
    if (!('code' in second)) {
      call.attempts += 1;
      runners.push(race.start(second));
    }
    await race.outcome(null);
  }
  call.inbound.onGone = null;
  const winner = race.winner(runners);
  for (const runner of runners) if (runner !== winner) runner.lose(gateway.clock.now());
  if (winner === null) return refusal('client_closed');
  return { opened: winner.replayed(), hasRivals: runners.length > 1 };
}

class Race {
  readonly #call: Call;
  readonly #runners: Runner[] = [];
  #wake: (() => void) | null = null;

  constructor(call: Call) {
    this.#call = call;
    call.inbound.onGone = () => this.#wake?.();
  }

  start(opened: OpenedAttempt): Runner {
    const runner = new Runner(opened, () => this.#wake?.());
    this.#runners.push(runner);
    return runner;
  }

  /** Undecided while nobody has won, and somebody still runs. */
  isUndecided(): boolean {
    if (this.#call.inbound.gone) return false;
    return !this.#runners.some((one) => one.state === 'answers') && this.#runners.some((one) => one.state === 'runs');
  }

  /** Waits until it is decided, at most so long. */
  async outcome(withinMs: number | null): Promise<void> {
    const deadline = withinMs === null ? Number.POSITIVE_INFINITY : performance.now() + withinMs;
    while (this.isUndecided() && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = withinMs === null ? undefined : setTimeout(resolve, Math.max(0, deadline - performance.now()));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = null;
  }

  /** Who answers; where all have failed, the first, whose failure is then told; null: the caller has left. */
  winner(runners: readonly Runner[]): Runner | null {
    if (this.#call.inbound.gone) return null;
    return runners.find((one) => one.state === 'answers') ?? runners[0] ?? null;
  }
}

/** One attempt under way, held at the head of its answer. */
class Runner implements UpstreamListener {
  state: 'runs' | 'answers' | 'failed' = 'runs';
  readonly #opened: OpenedAttempt;
  readonly #call: UpstreamCall;
  readonly #onChange: () => void;
  readonly #chunks: Buffer[] = [];
  #head: { readonly status: number; readonly headers: readonly string[] } | null = null;
  #failure: UpstreamFailure | null = null;
  #hasEnded = false;
  #relay: UpstreamListener | null = null;

  constructor(opened: OpenedAttempt, onChange: () => void) {
    this.#opened = opened;
    this.#onChange = onChange;
    this.#call = opened.target.endpoint.upstream.send(opened.prepared.request, this);
  }

  onHead(status: number, headers: readonly string[]): void {
    this.#head = { status, headers };
    this.state = status < 300 ? 'answers' : 'failed';
    this.#call.pause();
    this.#onChange();
  }

  onData(chunk: Buffer): void {
    // What came in one read with the head.
    if (this.#relay === null) this.#chunks.push(chunk);
    else this.#relay.onData(chunk);
  }

  onEnd(): void {
    if (this.#relay === null) this.#hasEnded = true;
    else this.#relay.onEnd();
  }

  onError(failure: UpstreamFailure): void {
    if (this.#relay !== null) return this.#relay.onError(failure);
    this.#failure = failure;
    this.state = 'failed';
    this.#onChange();
  }

  /** Another one was faster, or the caller has left. */
  lose(nowMs: number): void {
    this.#call.abort();
    this.#opened.seat.end(this.#outcome(nowMs) ?? 'abandoned');
  }

  /** The attempt with an upstream that tells again what has come so far, and then the rest. */
  replayed(): OpenedAttempt {
    const { target } = this.#opened;
    const upstream: Upstream = { send: (_, listener) => this.#replay(listener) };
    return { ...this.#opened, target: { ...target, endpoint: { ...target.endpoint, upstream } } };
  }

  #replay(listener: UpstreamListener): UpstreamCall {
    let isAborted = false;
    // Nothing is told before `send` has returned.
    queueMicrotask(() => {
      if (this.#head !== null && !isAborted) listener.onHead(this.#head.status, this.#head.headers);
      for (const chunk of this.#chunks) if (!isAborted) listener.onData(chunk);
      if (isAborted) return;
      this.#relay = listener;
      if (this.#failure !== null) listener.onError(this.#failure);
      else if (this.#hasEnded) listener.onEnd();
      else this.#call.resume();
    });
    return {
      pause: () => this.#call.pause(),
      resume: () => this.#call.resume(),
      abort: () => {
        isAborted = true;
        this.#call.abort();
      },
    };
  }

  #outcome(nowMs: number): AttemptFailure | null {
    if (this.#failure !== null) return classifyFailure(this.#failure).failure;
    if (this.#head === null || this.#head.status < 300) return null;
    const model = this.#opened.target.model;
    const { status, headers } = this.#head;
    return { status, ...readProviderError({ status, headers, body: Buffer.concat(this.#chunks), model, nowMs }) };
  }
}
