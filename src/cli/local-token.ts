import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deriveLocalToken } from '../admin/tokens.ts';
import { CliError } from './cli-error.ts';

const KEY_BYTES = 32;

export interface LocalToken {
  readonly token: string;
  readonly tokenSource: string;
}

/** The operator's token of this machine, or null when there is no master key to derive it from. */
export function readLocalToken(dataDir: string, masterKey: string | undefined): LocalToken | null {
  if (masterKey !== undefined) return derive(masterKey, 'KEYWARD_MASTER_KEY');
  const path = join(dataDir, 'master.key');
  const text = readKeyFile(path);
  return text === null ? null : derive(text, path);
}

function readKeyFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw new CliError(`${path} cannot be read. Run this as the user of the server, or set KEYWARD_ADMIN_TOKEN.`, {
      cause,
    });
  }
}

function derive(text: string, source: string): LocalToken {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES)
    throw new CliError(`${source} is not a master key: it must be ${KEY_BYTES} bytes in base64.`);
  return { token: deriveLocalToken(key), tokenSource: `the master key (${source})` };
}
