/** `npm run check`: what can be said of the code without running it, side by side, in under a minute. */
import { spawn } from 'node:child_process';

interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

interface Outcome {
  readonly passed: boolean;
  readonly seconds: number;
  readonly output: string;
}

const CHECKS: readonly Check[] = [
  { name: 'types', command: 'tsc', args: ['--noEmit', '-p', '.'] },
  { name: 'lint', command: 'oxlint', args: ['--type-aware'] },
  { name: 'format', command: 'oxfmt', args: ['--check', '.'] },
  { name: 'unused', command: 'knip', args: ['--no-progress'] },
  { name: 'boundaries', command: 'vitest', args: ['run', '--project', 'unit', 'test/boundaries.test.ts'] },
];

const CHECK_MS_MAX = 120_000;

function run(check: Check): Promise<Outcome> {
  const started = performance.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const child = spawn(check.command, check.args, {
      env: { ...process.env, PATH: `${import.meta.dirname}/../node_modules/.bin:${process.env['PATH'] ?? ''}` },
      cwd: `${import.meta.dirname}/..`,
      timeout: CHECK_MS_MAX,
    });
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const finish = (passed: boolean, note = ''): void =>
      resolve({
        passed,
        seconds: (performance.now() - started) / 1000,
        output: Buffer.concat(chunks).toString('utf8') + note,
      });
    child.on('error', (error) => finish(false, String(error)));
    child.on('close', (code, signal) => finish(code === 0, signal === null ? '' : `ended by ${signal}\n`));
  });
}

async function main(): Promise<void> {
  const failures = await Promise.all(
    CHECKS.map(async (check) => {
      const outcome = await run(check);
      const word = outcome.passed ? 'ok    ' : 'FAILED';
      process.stdout.write(`${word}  ${check.name.padEnd(10)} ${outcome.seconds.toFixed(1).padStart(5)} s\n`);
      return outcome.passed ? '' : `\n--- ${check.name}\n${outcome.output}`;
    }),
  );
  const report = failures.join('');
  process.stdout.write(report);
  process.exitCode = report === '' ? 0 : 1;
}

await main();
