import { expect, test } from 'vitest';
import { configLocation, readSettings } from './settings.ts';
import { StartError } from './start-error.ts';

const file = {
  listen: { host: '10.0.0.1', port: 1, adminPort: 2, tls: { cert: 'c', key: 'k' } },
  workers: 3,
  logLevel: 'warn',
} as const;

test('flags win over the environment, the environment over the file, the file over defaults', () => {
  const env = { KEYWARD_PORT: '11', KEYWARD_HOST: '::1', KEYWARD_WORKERS: '7', KEYWARD_LOG_LEVEL: 'debug' };
  expect(readSettings({ flags: { port: '21', tlsCert: 'x', tlsKey: 'y' }, env, file })).toEqual({
    dataDir: './data',
    host: '::1',
    port: 21,
    adminPort: 2,
    workers: 7,
    logLevel: 'debug',
    tls: { cert: 'x', key: 'y' },
    adminToken: null,
  });
  expect(readSettings({ flags: {}, env: {}, file })).toMatchObject({
    host: '10.0.0.1',
    port: 1,
    workers: 3,
    logLevel: 'warn',
    tls: file.listen.tls,
  });
  expect(readSettings({ flags: {}, env: {}, file: null })).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    adminPort: 8081,
    logLevel: 'info',
    tls: null,
  });
});

test('an empty environment variable is one that is not set', () => {
  const env = { KEYWARD_PORT: '', KEYWARD_ADMIN_TOKEN: '', KEYWARD_DATABASE_URL: '', KEYWARD_CONFIG: '' };
  expect(readSettings({ flags: {}, env, file: null })).toMatchObject({ port: 8080, adminToken: null });
  expect(configLocation({}, env)).toEqual({ path: 'keyward.yaml', required: false });
  expect(configLocation({}, { KEYWARD_CONFIG: 'a.yaml' })).toEqual({ path: 'a.yaml', required: true });
  expect(configLocation({ config: 'b.yaml' }, { KEYWARD_CONFIG: 'a.yaml' })).toEqual({
    path: 'b.yaml',
    required: true,
  });
});

test.each<readonly [Parameters<typeof readSettings>[0]['flags'], Readonly<Record<string, string>>, string]>([
  [{ port: 'x' }, {}, '--port must be a whole number from 0 to 65535.'],
  [{}, { KEYWARD_PORT: '65536' }, 'KEYWARD_PORT must be a whole number from 0 to 65535.'],
  [{}, { KEYWARD_ADMIN_PORT: '-1' }, 'KEYWARD_ADMIN_PORT must be a whole number from 0 to 65535.'],
  [{}, { KEYWARD_WORKERS: '0' }, 'KEYWARD_WORKERS must be a whole number from 1 to 256.'],
  [{ logLevel: 'loud' }, {}, '--log-level must be one of: trace, debug, info, warn, error, fatal, silent.'],
  [{ port: '5', adminPort: '5' }, {}, 'The gateway and the admin API cannot both listen on port 5.'],
  [{ tlsCert: 'x' }, {}, 'TLS needs both a certificate and its key.'],
  [{ host: '' }, {}, '--host is empty.'],
  [{}, { KEYWARD_ADMIN_TOKEN: 'se cret' }, 'KEYWARD_ADMIN_TOKEN must be printable ASCII without spaces.'],
  [
    {},
    { KEYWARD_DATABASE_URL: 'postgres://u:p@h/d' },
    'KEYWARD_DATABASE_URL is set, but this version has only the embedded database.',
  ],
  [
    {},
    { KEYWARD_REDIS_URL: 'redis://h' },
    'KEYWARD_REDIS_URL is set, but this version has only the embedded database.',
  ],
])('a bad value stops the start with one clear line: %j %j', (flags, env, message) => {
  const read = () => readSettings({ flags, env, file: null });
  expect(read).toThrow(StartError);
  expect(read).toThrow(message);
});

test('both ports may be 0', () => {
  expect(readSettings({ flags: { port: '0', adminPort: '0' }, env: {}, file: null })).toMatchObject({
    port: 0,
    adminPort: 0,
  });
});
