import { OPERATIONS } from '../client/operations.ts';
import type { Operation } from '../client/operation.ts';
import { flagText } from './flag-values.ts';

interface Line {
  readonly left: string;
  readonly right: string;
}

const OWN_COMMANDS: readonly Line[] = [
  { left: 'serve', right: 'Start the gateway and its control plane' },
  { left: 'config check [file]', right: 'Check a configuration file' },
];
const COMMON_FLAGS: readonly Line[] = [
  { left: '--json', right: "The API's own answer, as JSON." },
  { left: '--url url', right: 'The control plane. Default: KEYWARD_ADMIN_URL, or http://127.0.0.1:8081.' },
  { left: '--workspace id', right: 'The workspace that the command is about. Default: the default one.' },
  { left: '--data-dir folder', right: 'Where the master key is. Default: KEYWARD_DATA_DIR, or ./data.' },
];

/** `keyward --help`. */
export function mainHelp(): string {
  return `Usage: keyward <command> [flags]

${columns([...OWN_COMMANDS, ...verbLines('')])}
keyward <command> --help tells the flags of a command. Every command takes --json.
`;
}

/** `keyward keys --help`; null when no command begins like this. */
export function groupHelp(group: string): string | null {
  const own = OWN_COMMANDS.filter(({ left }) => left.startsWith(`${group} `));
  const lines = [...own, ...verbLines(`${group} `)];
  return lines.length === 0 ? null : `Usage: keyward ${group} <command> [flags]\n\n${columns(lines)}`;
}

/** `keyward keys create --help`. */
export function commandHelp(operation: Operation): string {
  const flags = operation.flags.map((flag) => ({
    left: flagText(flag),
    right: [flag.required ? 'Required.' : '', flag.description, flag.nullable ? '"none" clears it.' : '']
      .filter((part) => part !== '')
      .join(' '),
  }));
  return `Usage: keyward ${usage(operation)} [flags]

${operation.summary}. ${operation.description}

${columns([...flags, ...COMMON_FLAGS])}`;
}

function verbLines(prefix: string): readonly Line[] {
  return Object.values(OPERATIONS)
    .filter(({ cli }) => cli?.verb.startsWith(prefix))
    .map((operation) => ({ left: usage(operation), right: operation.summary }));
}

function usage({ cli, params }: Operation): string {
  return [cli?.verb ?? '', ...params.map((name) => `<${name}>`)].join(' ');
}

function columns(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(({ left }) => left.length));
  return lines
    .map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`.trimEnd())
    .join('\n')
    .concat('\n');
}
