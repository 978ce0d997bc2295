import { startEarlyWorkers } from '../gateway/early-workers.ts';
import { CliError } from './cli-error.ts';
import { processTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** Runs the command of this process and sets its exit code. */
export async function runAsProcess(): Promise<void> {
  // The reader of a pipe may have had enough (`keyward calls list | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.exitCode = await runCommand(process.argv.slice(2), processTerminal);
}

/** Runs a command; resolves with its exit code: 0 done, 1 failed, 2 called wrongly. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await dispatch(args, terminal);
    return 0;
  } catch (error) {
    terminal.err(`keyward: ${sentenceOf(error)}\n`);
    return error instanceof CliError ? error.exitCode : 1;
  }
}

/** Each command reads only what it needs: a start of the product above all must not wait for the others. */
async function dispatch(args: readonly string[], terminal: Terminal): Promise<void> {
  if (args[0] === 'serve') {
    startEarlyWorkers(args, process.env);
    const { serve } = await import('./serve.ts');
    await serve(args.slice(1));
    return;
  }
  const { runOperation } = await import('./run-operation.ts');
  await runOperation(args, terminal);
}

/** What went wrong in one line, and what to do where the error knows it. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = 'hint' in error && typeof error.hint === 'string' ? ` ${error.hint}` : '';
  return `${error.message}${hint}`;
}
