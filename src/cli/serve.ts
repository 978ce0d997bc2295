import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { destination, pino } from 'pino';
import { formatConfigErrors, loadConfig } from '../config/load.ts';
import type { ParsedConfig } from '../config/schema.ts';
import { configLocation, readSettings } from '../config/settings.ts';
import type { ConfigLocation, SettingsFlags } from '../config/settings.ts';
import { StartError } from '../config/start-error.ts';
import { start } from '../main.ts';
import type { Running } from '../main.ts';
import { argumentError } from './cli-error.ts';

const HELP = `Usage: keyward serve [options]

Runs the gateway and the admin API.

  --port N          gateway port (8080; 0: any free one)            KEYWARD_PORT
  --admin-port N    admin API port (8081; 0: any free one)          KEYWARD_ADMIN_PORT
  --host ADDRESS    address to listen on (127.0.0.1)                KEYWARD_HOST
  --data-dir DIR    where everything is kept (./data)               KEYWARD_DATA_DIR
  --config FILE     configuration file (keyward.yaml)               KEYWARD_CONFIG
  --workers N       gateway threads (one per processor)             KEYWARD_WORKERS
  --log-level L     trace, debug, info, warn, error or silent       KEYWARD_LOG_LEVEL
  --tls-cert FILE --tls-key FILE    PEM files: HTTPS on both ports

Flags win over the environment, the environment over the configuration file.
`;

/** `keyward serve`: runs until it is told to stop; then open calls end and everything is stored. */
export async function serve(args: readonly string[]): Promise<void> {
  const flags = parseFlags(args);
  if (flags === null) {
    process.stdout.write(HELP);
    return;
  }
  const { env } = process;
  const location = configLocation(flags, env);
  const file = readFile(location, env);
  const settings = readSettings({ flags, env, file });
  const log = pino({ level: settings.logLevel, base: null }, destination({ fd: 2, sync: true }));
  // Before anything is started: whoever stops us while we start gets an orderly stop as well.
  const toldToStop = untilToldToStop();
  const running = await start({ settings, file, configPath: location.path, env, log });
  process.stdout.write(banner(running, settings.dataDir));
  await toldToStop;
  process.stdout.write('\nStopping: open calls may end first. Once more to stop at once.\n');
  await running.stop();
  // Nothing is left to do; what still holds the process (a connection of a stranger) must not.
  process.exit(0);
}

function parseFlags(args: readonly string[]): SettingsFlags | null {
  const text = { type: 'string' } as const;
  const options = {
    port: text,
    'admin-port': text,
    host: text,
    'data-dir': text,
    config: text,
    workers: text,
    'log-level': text,
    'tls-cert': text,
    'tls-key': text,
    help: { type: 'boolean', short: 'h' },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help === true) return null;
    const given = Object.entries(values).map(([name, value]) => [camelCase(name), value]);
    return Object.fromEntries(given) as SettingsFlags; // parseArgs has checked names and types
  } catch (error) {
    throw argumentError(error, ' See: keyward serve --help');
  }
}

function camelCase(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function readFile(location: ConfigLocation, env: NodeJS.ProcessEnv): ParsedConfig | null {
  if (!location.required && !existsSync(location.path)) return null;
  const result = loadConfig(location.path, env);
  if (result.ok) return result.config;
  const more = result.errors.length - 1;
  throw new StartError(
    `${formatConfigErrors(result.errors.slice(0, 1))}.`,
    more === 0 ? 'Correct it and start again.' : `(and ${more} more: "keyward config check" lists them all)`,
  );
}

function banner({ gatewayUrl, adminUrl, firstKey }: Running, dataDir: string): string {
  const lines = [
    '',
    'Keyward is running.',
    '',
    `  Gateway  ${gatewayUrl}`,
    `  Admin    ${adminUrl}  (reference: ${adminUrl}/api/docs)`,
    `  Data     ${dataDir}`,
    '',
  ];
  if (firstKey === null) {
    lines.push('Make a key:  npm run -s keyward -- keys create --name my-key', '');
  } else {
    const body = '{"model":"sandbox/echo","messages":[{"role":"user","content":"Hello, Keyward"}]}';
    lines.push(
      'Your first key, shown this once. Try it:',
      '',
      `curl ${gatewayUrl}/v1/chat/completions -H 'Authorization: Bearer ${firstKey}' -H 'Content-Type: application/json' -d '${body}'`,
      '',
    );
  }
  return lines.join('\n');
}

function untilToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    let told = false;
    const onSignal = () => {
      if (told) process.exit(1);
      told = true;
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
