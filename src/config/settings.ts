import { availableParallelism } from 'node:os';
import { LOG_LEVELS } from './schema.ts';
import type { ParsedConfig } from './schema.ts';
import { StartError } from './start-error.ts';

type Env = Readonly<Record<string, string | undefined>>;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the command line gave, as text. */
export interface SettingsFlags {
  readonly config?: string;
  readonly dataDir?: string;
  readonly host?: string;
  readonly port?: string;
  readonly adminPort?: string;
  readonly workers?: string;
  readonly logLevel?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** How this process runs: fixed at its start. */
export interface Settings {
  readonly dataDir: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** 0: any free port. */
  readonly adminPort: number;
  /** Gateway threads. */
  readonly workers: number;
  readonly logLevel: LogLevel;
  /** Paths of PEM files; null for plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** A bootstrap admin token for automation; null without one. Secret. */
  readonly adminToken: string | null;
}

/** Where the configuration file is, and whether it was asked for by name: then it must be there. */
export interface ConfigLocation {
  readonly path: string;
  readonly required: boolean;
}

/** Found before the settings, because the file holds some of them. */
export function configLocation(flags: SettingsFlags, env: Env): ConfigLocation {
  const named = flags.config ?? nonEmpty(env['KEYWARD_CONFIG']);
  return { path: named ?? 'keyward.yaml', required: named !== undefined };
}

/** Settings from flags, environment, file and defaults, in that order. Throws a StartError with one clear line. */
export function readSettings({
  flags,
  env,
  file,
}: {
  flags: SettingsFlags;
  env: Env;
  file: ParsedConfig | null;
}): Settings {
  refuseLater(env);
  const pick = (flag: keyof SettingsFlags, flagName: string, envName: string): Given | null => {
    const fromFlag = flags[flag];
    if (fromFlag !== undefined) return { text: fromFlag, name: flagName };
    const fromEnv = nonEmpty(env[envName]);
    return fromEnv === undefined ? null : { text: fromEnv, name: envName };
  };
  const listen = file?.listen;
  const port = wholeNumber(pick('port', '--port', 'KEYWARD_PORT'), 0, 65_535) ?? listen?.port ?? 8080;
  const adminPort =
    wholeNumber(pick('adminPort', '--admin-port', 'KEYWARD_ADMIN_PORT'), 0, 65_535) ?? listen?.adminPort ?? 8081;
  if (port === adminPort && port !== 0) {
    throw new StartError(
      `The gateway and the admin API cannot both listen on port ${port}.`,
      'Give one of them another port: --port, --admin-port.',
    );
  }
  return {
    dataDir: text(pick('dataDir', '--data-dir', 'KEYWARD_DATA_DIR')) ?? './data',
    host: text(pick('host', '--host', 'KEYWARD_HOST')) ?? listen?.host ?? '127.0.0.1',
    port,
    adminPort,
    workers:
      wholeNumber(pick('workers', '--workers', 'KEYWARD_WORKERS'), 1, 256) ?? file?.workers ?? availableParallelism(),
    logLevel: logLevel(pick('logLevel', '--log-level', 'KEYWARD_LOG_LEVEL')) ?? file?.logLevel ?? 'info',
    tls: tlsFiles(flags) ?? listen?.tls ?? null,
    adminToken: adminToken(env),
  };
}

/** A value and the name under which it was given, for the error. */
interface Given {
  readonly text: string;
  readonly name: string;
}

function text(given: Given | null): string | null {
  if (given === null) return null;
  if (given.text === '') throw new StartError(`${given.name} is empty.`, 'Give it a value, or leave it out.');
  return given.text;
}

function wholeNumber(given: Given | null, min: number, max: number): number | null {
  if (given === null) return null;
  const value = /^\d{1,9}$/.test(given.text) ? Number(given.text) : -1;
  if (value >= min && value <= max) return value;
  throw new StartError(`${given.name} must be a whole number from ${min} to ${max}.`, 'Correct it, or leave it out.');
}

function logLevel(given: Given | null): LogLevel | null {
  if (given === null) return null;
  const level = LOG_LEVELS.find((name) => name === given.text);
  if (level !== undefined) return level;
  throw new StartError(`${given.name} must be one of: ${LOG_LEVELS.join(', ')}.`, 'Correct it, or leave it out.');
}

function tlsFiles({ tlsCert, tlsKey }: SettingsFlags): Settings['tls'] {
  if (tlsCert === undefined && tlsKey === undefined) return null;
  if (tlsCert !== undefined && tlsKey !== undefined) return { cert: tlsCert, key: tlsKey };
  throw new StartError('TLS needs both a certificate and its key.', 'Give --tls-cert and --tls-key together.');
}

/** It travels in a header, so only what a header may hold; how strong it is, is the operator's choice. */
function adminToken(env: Env): string | null {
  const token = nonEmpty(env['KEYWARD_ADMIN_TOKEN']);
  if (token === undefined) return null;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new StartError(
    'KEYWARD_ADMIN_TOKEN must be printable ASCII without spaces.',
    'Make one with: openssl rand -hex 32',
  );
}

/** Never ignored: someone who sets these believes that their data is elsewhere. */
function refuseLater(env: Env): void {
  for (const name of ['KEYWARD_DATABASE_URL', 'KEYWARD_REDIS_URL']) {
    if (nonEmpty(env[name]) === undefined) continue;
    throw new StartError(
      `${name} is set, but this version has only the embedded database.`,
      `Unset ${name} to start with the embedded database in the data folder.`,
    );
  }
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
