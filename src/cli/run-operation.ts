import { OPERATIONS } from '../client/operations.ts';
import type { OperationId } from '../client/operations.ts';
import { runApiCommand } from './api-command.ts';
import { usageError } from './cli-error.ts';
import { withHandleFlag } from './handle-argument.ts';
import { groupHelp, mainHelp } from './help.ts';
import type { Terminal } from './terminal.ts';

/** Runs any command but `serve`. */
export async function runOperation(args: readonly string[], terminal: Terminal): Promise<void> {
  const [first = '--help', second = ''] = args;
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
