import type { CellMemory } from './cell.ts';
import { sumOf } from './cell.ts';
import type { CounterTable, SharedCounter } from './counter-table.ts';
import { NOWHERE, openLeases } from './counter-table.ts';
import type { Counters } from './counters.ts';
import { NO_ROOM, REFUSED } from './counters.ts';
import { addLease, dropLease, forgetEnded, soonestEndMs } from './lease-cell.ts';
import { RELEASE_PATIENCE_MS, TAKE_PATIENCE_MS } from './table-times.ts';

/** The leases among the counters of a thread. They are the deployment's: a worker that ends takes none along. */
export function openSharedLeases(
  memory: CellMemory,
  table: CounterTable,
): Pick<Counters, 'leases' | 'lease' | 'endLease' | 'leased'> {
  return {
    leases: (name) => openLeases(name),

    lease(leases: SharedCounter, limit, endsAtMs, nowMs) {
      const cell = table.enter(leases, nowMs, TAKE_PATIENCE_MS, true);
      if (cell === NOWHERE) return NO_ROOM;
      forgetEnded(memory, cell, nowMs);
      const left = limit - sumOf(memory, cell) - 1;
      if (left >= 0) addLease(memory, cell, endsAtMs);
      table.leave(cell);
      return left >= 0 ? left : REFUSED;
    },

    endLease(leases: SharedCounter, endsAtMs, nowMs) {
      const cell = table.enter(leases, nowMs, RELEASE_PATIENCE_MS, false);
      if (cell === NOWHERE) return;
      dropLease(memory, cell, endsAtMs);
      table.leave(cell);
    },

    leased(leases: SharedCounter, nowMs) {
      const cell = table.enter(leases, nowMs, TAKE_PATIENCE_MS, false);
      if (cell === NOWHERE) return { live: 0, soonestEndMs: null };
      forgetEnded(memory, cell, nowMs);
      const state = { live: sumOf(memory, cell), soonestEndMs: soonestEndMs(memory, cell) };
      table.leave(cell);
      return state;
    },
  };
}
