import { CliError, usageError } from './cli-error.ts';
import { readLocalToken } from './local-token.ts';
import type { Terminal } from './terminal.ts';

export interface ConnectionFlags {
  readonly url?: string;
  readonly dataDir?: string;
}

export interface Connection {
  readonly baseUrl: string;
  readonly token: string;
  /** Where the token comes from, for the message when it is refused. */
  readonly tokenSource: string;
}

const DEFAULT_PORT = '8081';

/** Where the control plane is, and with which token to ask it. */
export function findConnection(flags: ConnectionFlags, env: Terminal['env']): Connection {
  const baseUrl = checkedUrl(
    flags.url ??
      given(env['KEYWARD_ADMIN_URL']) ??
      `http://127.0.0.1:${given(env['KEYWARD_ADMIN_PORT']) ?? DEFAULT_PORT}`,
  );
  const token = given(env['KEYWARD_ADMIN_TOKEN']);
  if (token !== undefined) return { baseUrl, token, tokenSource: 'KEYWARD_ADMIN_TOKEN' };
  // A token made from this machine's master key is for this machine; elsewhere it would only leak.
  if (!isLoopback(baseUrl)) {
    throw new CliError(`No admin token for ${baseUrl}: set KEYWARD_ADMIN_TOKEN.`);
  }
  const dataDir = flags.dataDir ?? given(env['KEYWARD_DATA_DIR']) ?? './data';
  const local = readLocalToken(dataDir, given(env['KEYWARD_MASTER_KEY']));
  if (local !== null) return { baseUrl, ...local };
  throw new CliError(
    `No admin token: there is no master key in ${dataDir}. Start the server first, name its data folder with --data-dir, or set KEYWARD_ADMIN_TOKEN.`,
  );
}

function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw usageError(`${text} is not an http or https URL.`);
  }
  return text;
}

function isLoopback(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
