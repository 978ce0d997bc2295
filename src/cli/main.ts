import { OPERATIONS } from '../client/operations.ts';
import type { OperationId } from '../client/operations.ts';
import { runApiCommand } from './api-command.ts';
import { CliError, usageError } from './cli-error.ts';
import { withHandleFlag } from './handle-argument.ts';
import { groupHelp, mainHelp } from './help.ts';
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

async function dispatch(args: readonly string[], terminal: Terminal): Promise<void> {
  const [first = '--help', second = ''] = args;
  if (first === 'serve') {
    const { serve } = await import('./serve.ts');
    await serve(args.slice(1));
    return;
  }
  if (first === 'config' && second === 'check') {
    const { checkConfig } = await import('./config-check.ts');
    await checkConfig(args.slice(2), terminal);
    return;
  }
  if (first === 'diagnose') return runApiCommand('diagnose.run', withHandleFlag(args.slice(1)), terminal);
  if (first === 'cases' && second === 'open') {
    return runApiCommand('cases.open', withHandleFlag(args.slice(2)), terminal);
  }
  const two = findOperation(`${first} ${second}`);
  if (two !== null) return runApiCommand(two, args.slice(2), terminal);
  const one = findOperation(first);
  if (one !== null) return runApiCommand(one, args.slice(1), terminal);
  terminal.out(helpFor(first, second));
}

function findOperation(verb: string): OperationId | null {
  const ids = Object.keys(OPERATIONS) as OperationId[];
  return ids.find((id) => OPERATIONS[id].cli?.verb === verb) ?? null;
}

function helpFor(first: string, second: string): string {
  if (['--help', '-h', 'help'].includes(first)) return mainHelp();
  const help = groupHelp(first);
  if (help === null) throw usageError(`There is no command "${first}". See: keyward --help`);
  if (second !== '' && second !== '--help' && second !== '-h') {
    throw usageError(`There is no command "${first} ${second}". See: keyward ${first} --help`);
  }
  return help;
}

/** What went wrong in one line, and what to do where the error knows it. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = 'hint' in error && typeof error.hint === 'string' ? ` ${error.hint}` : '';
  return `${error.message}${hint}`;
}
