import { writeSync } from 'node:fs';
import type { Reporter } from 'vitest/node';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** `N passed, N failed`, with `, N skipped` when there are any. */
export function formatTally(tally: Tally): string {
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
  return `${tally.passed} passed, ${tally.failed} failed${skipped}`;
}

/**
 * A vitest reporter that prints the tally alone on the last line of the run. A file that does not
 * load counts as one failure, and so does an error outside of any test.
 */
export function closingLine(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const tally: Tally = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
      for (const module of modules) {
        if (module.errors().length > 0) tally.failed += 1;
        for (const test of module.children.allTests()) tally[outcome(test.result().state)] += 1;
      }
      // At exit, because other reporters may still write after this one.
      process.once('exit', () => writeSync(1, `${formatTally(tally)}\n`));
    },
  };
}

/** A test that was collected and never ran is a failure: the run was cut short. */
function outcome(state: 'passed' | 'failed' | 'skipped' | 'pending'): keyof Tally {
  return state === 'pending' ? 'failed' : state;
}
