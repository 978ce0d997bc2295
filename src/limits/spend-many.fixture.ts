/** What a worker of the tests does with shared ledgers. */
import type { Ledger, LedgerKind } from './counters.ts';
import { openSharedCounters } from './shared-counters.ts';

export interface SpendTask {
  readonly buffer: SharedArrayBuffer;
  readonly workerIndex: number;
  readonly ledgers: readonly { readonly name: string; readonly kind: LedgerKind; readonly windowMs: number }[];
  readonly limit: number;
  readonly calls: number;
  readonly nowMs: number;
  /** How many reservations stay open at a time, and at the end. */
  readonly openMax: number;
  /** One word: workers wait at it until so many are there, so that they spend at the same time. */
  readonly gate: SharedArrayBuffer;
  readonly gateOpensAt: number;
  /** Set by whoever wants to know from outside: what was settled so far, of the first ledger. */
  readonly progress: SharedArrayBuffer | null;
}

export interface SpendResult {
  /** By ledger. */
  readonly spent: readonly number[];
  readonly held: readonly number[];
  readonly reserved: number;
  readonly refused: number;
  /** Reservations that passed though more than the limit was spent and held then. */
  readonly violations: number;
}

export function openTaskLedgers(
  task: Pick<SpendTask, 'ledgers' | 'nowMs'>,
  counters: { ledger: LedgerOpener },
): Ledger[] {
  return task.ledgers.map(({ name, kind, windowMs }) => {
    const ledger = counters.ledger(name, kind, windowMs);
    if (kind === 'calendar') {
      ledger.startsAtMs = task.nowMs - 1_000;
      ledger.endsAtMs = task.nowMs + 1_000_000;
    }
    return ledger;
  });
}

type LedgerOpener = (name: string, kind: LedgerKind, windowMs?: number) => Ledger;

export function spendMany(task: SpendTask): SpendResult {
  const counters = openSharedCounters(task.buffer, task.workerIndex);
  const ledgers = openTaskLedgers(task, counters).map((ledger, i) => ({ ledger, i }));
  const spent = ledgers.map(() => 0);
  const open: { ledger: Ledger; i: number; amount: number }[] = [];
  const progress = task.progress === null ? null : new Float64Array(task.progress);
  const random = createRandom(task.workerIndex + 1);
  const counts = { reserved: 0, refused: 0, violations: 0 };

  function settleOldest(): void {
    const oldest = open.shift();
    if (oldest === undefined) return;
    const actual = random(2 * oldest.amount + 1);
    counters.settle(oldest.ledger, oldest.amount, actual, task.nowMs);
    spent[oldest.i] = (spent[oldest.i] ?? 0) + actual;
    if (progress !== null && oldest.i === 0) progress[0] = spent[0] ?? 0;
  }

  passGate(new Int32Array(task.gate), task.gateOpensAt);
  for (let call = 0; call < task.calls; call += 1) {
    for (const { ledger, i } of ledgers) {
      const amount = random(100);
      if (counters.reserve(ledger, task.limit, amount, task.nowMs) < 0) {
        counts.refused += 1;
        settleOldest();
        continue;
      }
      counts.reserved += 1;
      if (ledger.spent + ledger.held > task.limit) counts.violations += 1;
      open.push({ ledger, i, amount });
      if (open.length > task.openMax) settleOldest();
    }
  }
  const held = ledgers.map(({ i }) => open.filter((each) => each.i === i).reduce((sum, each) => sum + each.amount, 0));
  return { spent, held, ...counts };
}

function passGate(gate: Int32Array, opensAt: number): void {
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < opensAt) Atomics.wait(gate, 0, Atomics.load(gate, 0), 1);
}

/** Whole numbers below a bound, the same for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
