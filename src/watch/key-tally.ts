import { CALLERS_MAX } from '../calls/key-activity.ts';
import type { CallerActivity, GenerationActivity, KeyActivity } from '../calls/key-activity.ts';
import { agentProduct, callerNetwork } from './caller-network.ts';

/** What of a call counts here. */
interface CountedCall {
  readonly generation: number;
  readonly startedMs: number;
  readonly address: string;
  /** Empty where none was sent. */
  readonly userAgent: string;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Callers counted between two flushes; of more, those that began first are forgotten. */
const COUNTED_MAX = 4 * CALLERS_MAX;

/** Adds up the calls of one key, in place: every call of the product comes by here. */
export class KeyTally {
  readonly #kid: string;
  readonly #generations = new Map<number, Mutable<GenerationActivity>>();
  readonly #callers = new Map<string, Mutable<CallerActivity>>();
  #lastMs = 0;
  #lastAddress = '';

  constructor(kid: string) {
    this.#kid = kid;
  }

  add({ generation, startedMs, address, userAgent }: CountedCall): void {
    if (startedMs >= this.#lastMs) {
      this.#lastMs = startedMs;
      this.#lastAddress = address;
    }
    const calls = this.#generations.get(generation);
    if (calls === undefined) this.#generations.set(generation, { generation, calls: 1, lastMs: startedMs });
    else count(calls, startedMs);
    const [network, agent] = [callerNetwork(address), agentProduct(userAgent)];
    const name = `${generation} ${network} ${agent}`;
    const caller = this.#callers.get(name);
    if (caller === undefined) {
      this.#forgetOldest();
      this.#callers.set(name, { generation, network, agent, calls: 1, firstMs: startedMs, lastMs: startedMs });
    } else count(caller, startedMs);
  }

  /** Null where no call was added. */
  read(): KeyActivity | null {
    if (this.#generations.size === 0) return null;
    return {
      kid: this.#kid,
      lastUsedAtMs: this.#lastMs,
      lastAddress: this.#lastAddress,
      generations: [...this.#generations.values()].map((calls) => ({ ...calls })),
      callers: [...this.#callers.values()]
        .map((caller) => ({ ...caller }))
        .toSorted((a, b) => b.lastMs - a.lastMs)
        .slice(0, CALLERS_MAX),
    };
  }

  #forgetOldest(): void {
    if (this.#callers.size < COUNTED_MAX) return;
    const oldest = this.#callers.keys().next();
    if (oldest.done !== true) this.#callers.delete(oldest.value);
  }
}

function count(activity: Mutable<GenerationActivity>, startedMs: number): void {
  activity.calls += 1;
  activity.lastMs = Math.max(activity.lastMs, startedMs);
}
