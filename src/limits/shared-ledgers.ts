import type { CellMemory } from './cell.ts';
import { sumOf } from './cell.ts';
import type { CounterTable, SharedLedger } from './counter-table.ts';
import { NOWHERE, openLedger } from './counter-table.ts';
import type { Counters } from './counters.ts';
import { NO_ROOM, REFUSED } from './counters.ts';
import { advanceLedger, AMOUNT_MAX, heldOf, holdAmount, resetsAtMs, spend, waitToReserve } from './ledger-cell.ts';
import { RELEASE_PATIENCE_MS, TAKE_PATIENCE_MS } from './table-times.ts';

/** The ledgers among the counters of a thread. */
export function openSharedLedgers(
  memory: CellMemory,
  table: CounterTable,
  workerIndex: number,
): Pick<Counters, 'ledger' | 'reserve' | 'settle' | 'read' | 'waitToReserveMs'> {
  /** Enters the ledger's cell and moves it on to the present. */
  function enter(ledger: SharedLedger, nowMs: number, patienceMs: number, claim: boolean): number {
    const cell = table.enter(ledger, nowMs, patienceMs, claim);
    if (cell !== NOWHERE) advanceLedger(memory, cell, ledger, nowMs);
    return cell;
  }

  return {
    ledger: (name, kind, windowMs = 0) => openLedger(name, kind, windowMs),

    reserve(ledger: SharedLedger, limit, amount, nowMs) {
      const wanted = wholeAmount(amount, Number.POSITIVE_INFINITY);
      const cell = enter(ledger, nowMs, TAKE_PATIENCE_MS, true);
      if (cell === NOWHERE) return NO_ROOM;
      const left = limit - sumOf(memory, cell) - heldOf(memory, cell) - wanted;
      if (left >= 0) holdAmount(memory, cell, workerIndex, wanted);
      ledger.spent = sumOf(memory, cell);
      ledger.held = heldOf(memory, cell);
      table.leave(cell);
      return left >= 0 ? left : REFUSED;
    },

    settle(ledger: SharedLedger, reserved, actual, nowMs) {
      // An amount that is none must not spoil the books for good: then what was reserved is booked.
      const spent = wholeAmount(actual, wholeAmount(reserved, 0));
      const cell = enter(ledger, nowMs, RELEASE_PATIENCE_MS, spent > 0);
      if (cell === NOWHERE) return false;
      // First what is spent: a worker that dies in between has its held amount given back in any case.
      spend(memory, cell, spent);
      holdAmount(memory, cell, workerIndex, -wholeAmount(reserved, 0));
      table.leave(cell);
      return true;
    },

    read(ledger: SharedLedger, nowMs) {
      const cell = enter(ledger, nowMs, TAKE_PATIENCE_MS, false);
      if (cell === NOWHERE)
        return { spent: 0, held: 0, resetsAtMs: ledger.kind === 'calendar' ? ledger.endsAtMs : null };
      const state = {
        spent: sumOf(memory, cell),
        held: heldOf(memory, cell),
        resetsAtMs: resetsAtMs(memory, cell),
      };
      table.leave(cell);
      return state;
    },

    waitToReserveMs(ledger: SharedLedger, limit, amount, nowMs) {
      const cell = enter(ledger, nowMs, TAKE_PATIENCE_MS, false);
      if (cell === NOWHERE) return amount <= limit ? 0 : Number.POSITIVE_INFINITY;
      const wait = waitToReserve(memory, cell, limit, wholeAmount(amount, Number.POSITIVE_INFINITY), nowMs);
      table.leave(cell);
      return wait;
    },
  };
}

function wholeAmount(amount: number, otherwise: number): number {
  return amount >= 0 ? Math.min(AMOUNT_MAX, Math.ceil(amount)) : otherwise;
}
