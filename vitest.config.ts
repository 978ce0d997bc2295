import { defineConfig } from 'vitest/config';
import { closingLine } from './test/closing-line.ts';

// Two projects, one after the other: unit tests fill the cores, whereas tests that start the whole
// product run file by file, so that what they measure is the product and not each other.
export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    exclude: ['dist/**', 'node_modules/**'],
    reporters: ['default', closingLine()],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['dist/**', 'node_modules/**', 'test/e2e/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
