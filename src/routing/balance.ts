import { rendezvousScore } from './rendezvous.ts';
import { SmoothTurns } from './smooth-turns.ts';
import { TargetLoad } from './target-load.ts';

/** How an alias chooses among its targets. */
export const STRATEGIES = ['priority', 'weighted', 'round-robin', 'least-latency', 'least-cost', 'least-busy'] as const;

export type Strategy = (typeof STRATEGIES)[number];

export interface BalanceTarget {
  readonly name: string;
  /** Lower goes first, whatever the strategy says; within the same, it decides. */
  readonly priority: number;
  readonly weight: number;
  /** What a token costs, in any unit that is the same for all; null where it has no price. */
  readonly cost: number | null;
}

export interface OrderOptions {
  /** Indexes of the targets that this call may go to. */
  readonly eligible: readonly number[];
  readonly nowMs: number;
  /** Of the conversation; null: it need not stay where it was. */
  readonly affinity: number | null;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** The targets of one alias, and whose turn it is. State of one worker: see TargetLoad. */
export class Balancer {
  readonly targets: readonly BalanceTarget[];
  readonly loads: readonly TargetLoad[];
  readonly #strategy: Strategy;
  readonly #turns: SmoothTurns;

  constructor(strategy: Strategy, targets: readonly BalanceTarget[]) {
    this.targets = targets;
    this.loads = targets.map(() => new TargetLoad());
    this.#strategy = strategy;
    this.#turns = new SmoothTurns(targets.map(({ weight }) => (strategy === 'round-robin' ? 1 : weight)));
  }

  /** The eligible targets in the order in which they are to be tried. */
  order(options: OrderOptions): readonly number[] {
    const { eligible } = options;
    if (eligible.length <= 1) return eligible;
    const priorities = [...new Set(eligible.map((index) => this.#at(index).priority))].toSorted((a, b) => a - b);
    return priorities.flatMap((priority) => {
      const same = eligible.filter((index) => this.#at(index).priority === priority);
      return same.length === 1 ? same : this.#orderSame(same, options);
    });
  }

  #orderSame(same: readonly number[], { nowMs, affinity, random }: OrderOptions): readonly number[] {
    // Listed in order, the first is always first: a conversation has nothing to hold on to.
    if (affinity !== null && this.#strategy !== 'priority') {
      const scored = same.map((index) => ({ index, score: this.#score(affinity, index) }));
      return scored.toSorted((a, b) => b.score - a.score).map(({ index }) => index);
    }
    switch (this.#strategy) {
      case 'priority':
        return same;
      case 'weighted':
      case 'round-robin':
        return withFirst(same, this.#turns.next(same));
      case 'least-latency':
        return this.#twoChoices(same, nowMs, random);
      case 'least-cost':
        return same.toSorted((a, b) => (this.#at(a).cost ?? Infinity) - (this.#at(b).cost ?? Infinity) || a - b);
      case 'least-busy':
        return same.toSorted((a, b) => this.#busy(a) - this.#busy(b) || a - b);
    }
  }

  /** The better of two at random, not the best of all: workers that look at the same time must not all run to one place. */
  #twoChoices(same: readonly number[], nowMs: number, random: () => number): readonly number[] {
    const cost = (index: number): number => (this.loads[index]?.cost(nowMs) ?? 0) / this.#at(index).weight;
    const one = Math.floor(random() * same.length) % same.length;
    const other = (one + 1 + Math.floor(random() * (same.length - 1))) % same.length;
    const first = same[one] ?? 0;
    const second = same[other] ?? 0;
    const best = cost(second) < cost(first) ? second : first;
    const rest = same.filter((index) => index !== best).toSorted((a, b) => cost(a) - cost(b));
    return [best, ...rest];
  }

  #busy(index: number): number {
    return (this.loads[index]?.inFlight ?? 0) / this.#at(index).weight;
  }

  #score(affinity: number, index: number): number {
    const { name, weight } = this.#at(index);
    return rendezvousScore(affinity, name, weight);
  }

  #at(index: number): BalanceTarget {
    return this.targets[index] ?? NO_TARGET;
  }
}

const NO_TARGET: BalanceTarget = { name: '', priority: 0, weight: 1, cost: null };

/** The rest keeps its order behind the one whose turn it is, beginning after it. */
function withFirst(indexes: readonly number[], first: number): readonly number[] {
  const at = indexes.indexOf(first);
  return [...indexes.slice(at), ...indexes.slice(0, at)];
}
