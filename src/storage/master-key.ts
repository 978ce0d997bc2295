import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { StartError } from '../config/start-error.ts';
import { dataPaths, ensureDataFolder, syncFolder } from './data-folder.ts';
import { KEY_BYTES } from './envelope.ts';

export interface MasterKeyOptions {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The key that everything secret in the data folder hangs on: 32 bytes from KEYWARD_MASTER_KEY
 * (base64), or from `master.key` in the data folder, which the first start makes. Where a database
 * exists its key must exist too: a new one could never open it.
 */
export function loadMasterKey({ dataDir, env }: MasterKeyOptions): Buffer {
  const given = env['KEYWARD_MASTER_KEY'];
  if (given !== undefined && given !== '') return parseKey(given, 'KEYWARD_MASTER_KEY');
  ensureDataFolder(dataDir);
  const path = dataPaths.masterKey(dataDir);
  return readKeyFile(path) ?? makeKeyFile(dataDir, path);
}

function readKeyFile(path: string): Buffer | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new StartError(`The master key file ${path} cannot be read.`, 'Give this user the right to read it.', error);
  }
  return parseKey(text, `The master key file ${path}`);
}

function makeKeyFile(dataDir: string, path: string): Buffer {
  if ((statSync(dataPaths.database(dataDir), { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw new StartError(
      `The data folder ${dataDir} has a database, but its master key file master.key is missing.`,
      'Put the file back, or give the key as KEYWARD_MASTER_KEY. Without it the stored secrets cannot be read.',
    );
  }
  const key = randomBytes(KEY_BYTES);
  const draft = `${path}.${process.pid}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, `${key.toString('base64')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  publish(draft, path);
  syncFolder(dataDir);
  return readKeyFile(path) ?? key;
}

/** A link appears whole or not at all, and never over a key that another process has just made. */
function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    // File systems without hard links refuse with various codes; an exclusive copy is the next best.
    if (!isExisting(error)) copyFileSync(draft, path, constants.COPYFILE_EXCL);
  } finally {
    unlinkSync(draft);
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

/** A master key that a program was given: its bytes, or their base64. */
export function parseMasterKey(given: Uint8Array | string, source: string): Buffer {
  return parseKey(typeof given === 'string' ? given : Buffer.from(given).toString('base64'), source);
}

function parseKey(text: string, source: string): Buffer {
  const trimmed = text.trim();
  const key = Buffer.from(trimmed, 'base64');
  // Buffer skips what is not base64: only what encodes back to the same text was meant.
  if (key.length !== KEY_BYTES || key.toString('base64').replace(/=+$/, '') !== trimmed.replace(/=+$/, '')) {
    throw new StartError(
      `${source} is not a master key: it must be ${KEY_BYTES} bytes in base64.`,
      'Make one with: openssl rand -base64 32',
    );
  }
  return key;
}
