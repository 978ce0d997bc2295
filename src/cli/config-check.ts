import { parseArgs } from 'node:util';
import { formatConfigErrors, loadConfig } from '../config/load.ts';
import { CliError, argumentError, usageError } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: keyward config check [file] [--json]

Checks a configuration file without starting anything: every mistake with its line. Without a file:
KEYWARD_CONFIG, or keyward.yaml. References to environment variables are looked up in this environment.
`;

/** `keyward config check`. */
export async function checkConfig(args: readonly string[], terminal: Terminal): Promise<void> {
  const { json, help, file } = parse(args);
  if (help) {
    terminal.out(HELP);
    return;
  }
  const path = file ?? (terminal.env['KEYWARD_CONFIG'] || 'keyward.yaml');
  const result = loadConfig(path, terminal.env);
  const errors = result.ok ? [] : result.errors;
  if (json) terminal.out(`${JSON.stringify({ file: path, ok: result.ok, errors }, null, 2)}\n`);
  else terminal.out(result.ok ? `${path} is valid.\n` : `${formatConfigErrors(errors)}\n`);
  if (!result.ok) throw new CliError(`${path} has ${errors.length} ${errors.length === 1 ? 'mistake' : 'mistakes'}.`);
}

function parse(args: readonly string[]): {
  readonly json: boolean;
  readonly help: boolean;
  readonly file: string | undefined;
} {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length > 1) throw usageError('One file at a time.');
    return { json: values.json ?? false, help: values.help ?? false, file: positionals[0] };
  } catch (error) {
    throw error instanceof CliError ? error : argumentError(error);
  }
}
