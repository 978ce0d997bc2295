import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesOf, startInVain, startProduct } from '../product.ts';
import type { FailedStart } from '../product.ts';
import { selfSigned } from '../self-signed.ts';

const START_MS_MAX = 10_000;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-starts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PORTS = ['--port', '0', '--admin-port', '0', '--workers', '1'];

/** A data folder that a first start has filled and left in order. */
async function usedDataDir(name: string): Promise<string> {
  const dataDir = join(folder, name);
  const product = await startProduct({ dataDir, workers: 1 });
  expect(await product.stop()).toBe(0);
  await product.dispose();
  return dataDir;
}

/** The content of every file, as a whole, to compare. */
function contentOf(dataDir: string): readonly string[] {
  return filesOf(dataDir).map((file) => `${file.path} ${file.bytes.toString('base64')}`);
}

function expectClearRefusal(start: FailedStart, words: RegExp): void {
  expect(start.exitCode).not.toBe(0);
  expect(start.exitCode).not.toBeNull();
  expect(start.stderr).toMatch(words);
  expect(start.stderr).not.toMatch(/\n\s+at .+:\d+/);
  // What is wrong and what to do, not a page.
  expect(start.stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
}

describe('a start that cannot succeed says why, ends, and changes nothing', () => {
  test('a config file with a mistake: its line is named', async () => {
    const dataDir = await usedDataDir('config');
    const before = contentOf(dataDir);
    const config = join(folder, 'wrong.yaml');
    writeFileSync(config, 'models:\n  fast:\n    strategy: guess\n    targets: [{ model: sandbox/echo }]\n');
    const start = await startInVain([...PORTS, '--data-dir', dataDir, '--config', config]);
    expectClearRefusal(start, /wrong\.yaml:3:/);
    expect(contentOf(dataDir)).toEqual(before);
  });

  test('a config file that is not there', async () => {
    const dataDir = join(folder, 'never-made');
    const start = await startInVain([...PORTS, '--data-dir', dataDir, '--config', join(folder, 'absent.yaml')]);
    expectClearRefusal(start, /absent\.yaml/);
  });

  test('a port that is taken', async () => {
    const dataDir = await usedDataDir('port');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    for (const name of ['--port', '--admin-port']) {
      const start = await startInVain([...PORTS, name, String(port), '--data-dir', dataDir]);
      expectClearRefusal(start, new RegExp(`\\b${port}\\b`));
    }
    await new Promise((resolve) => server.close(resolve));
  });

  test('an address that this machine does not have', async () => {
    const dataDir = join(folder, 'no-address');
    const start = await startInVain([...PORTS, '--data-dir', dataDir, '--host', '192.0.2.1']);
    expectClearRefusal(start, /192\.0\.2\.1.* no such address\. .*--host/);
    expect(existsSync(dataDir)).toBe(false);
  });

  test('a TLS certificate that is none, or whose key is another one', async () => {
    const dataDir = join(folder, 'bad-tls');
    const [one, other] = [selfSigned('one.test'), selfSigned('other.test')];
    const files = { 'cert.pem': one.cert, 'other.key': other.key, 'none.pem': 'no certificate' };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    for (const [cert, key] of [
      ['cert.pem', 'other.key'],
      ['none.pem', 'none.pem'],
      ['absent.pem', 'other.key'],
    ] as const) {
      const flags = ['--tls-cert', join(folder, cert), '--tls-key', join(folder, key)];
      expectClearRefusal(await startInVain([...PORTS, '--data-dir', dataDir, ...flags]), /certificate.*--tls-cert/);
    }
    expect(existsSync(dataDir)).toBe(false);
  });

  test('a data folder that cannot be made', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, 'x');
    const start = await startInVain([...PORTS, '--data-dir', join(file, 'data')]);
    expectClearRefusal(start, /a-file/);
  });

  test('a data folder that another process uses', async () => {
    const product = await startProduct({ workers: 1 });
    const start = await startInVain([...PORTS, '--data-dir', product.dataDir]);
    expectClearRefusal(start, /running|in use/i);
    expect((await fetch(`${product.gatewayUrl}/healthz`)).status).toBe(200);
    await product.dispose();
  });

  test('a wrong master key', async () => {
    const dataDir = await usedDataDir('master-key');
    const before = contentOf(dataDir);
    const env = { KEYWARD_MASTER_KEY: randomBytes(32).toString('base64') };
    expectClearRefusal(await startInVain([...PORTS, '--data-dir', dataDir], env), /master key/i);
    expect(contentOf(dataDir)).toEqual(before);
  });

  test('a database of a newer version', async () => {
    const dataDir = await usedDataDir('newer');
    const path = join(dataDir, 'keyward.sqlite');
    const database = new DatabaseSync(path);
    database.exec('pragma user_version = 9999; pragma wal_checkpoint(truncate)');
    database.close();
    const before = contentOf(dataDir);
    expectClearRefusal(await startInVain([...PORTS, '--data-dir', dataDir]), /newer/);
    expect(contentOf(dataDir)).toEqual(before);
  });

  test('an option that does not exist', async () => {
    expectClearRefusal(await startInVain([...PORTS, '--no-such-option']), /--no-such-option/);
  });
});

describe('a start', () => {
  test('makes a private data folder, prints its key once, and is quick again later', async () => {
    const dataDir = join(folder, 'first');
    const first = await startProduct({ dataDir });
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    for (const file of filesOf(dataDir)) expect(statSync(file.path).mode & 0o077, file.path).toBe(0);
    expect(await first.stop()).toBe(0);
    await first.dispose();
    const second = await startProduct({ dataDir });
    expect(second.firstKey).toBe('');
    expect(await second.stop()).toBe(0);
    await second.dispose();
    process.stdout.write(`first start ${first.startMs.toFixed(0)} ms, second ${second.startMs.toFixed(0)} ms\n`);
    expect(first.startMs).toBeLessThan(START_MS_MAX);
    expect(second.startMs).toBeLessThan(START_MS_MAX);
  });

  test('prints a curl that answers as it stands', async () => {
    const product = await startProduct();
    const { stdout } = await promisify(execFile)('sh', ['-c', `${product.curl} -w '\\n%{http_code}'`]);
    expect(stdout.trim().split('\n').at(-1)).toBe('200');
    const plain = await promisify(execFile)('sh', ['-c', product.curl]);
    expect(plain.stdout).toMatch(/\{[\s\S]*\}|data: /);
    await product.dispose();
  });

  test('under a umask that allows everything still keeps its files to itself', async () => {
    const old = process.umask(0);
    try {
      const dataDir = join(folder, 'umask');
      const product = await startProduct({ dataDir, workers: 1 });
      expect(statSync(dataDir).mode & 0o077).toBe(0);
      expect(readdirSync(dataDir).length).toBeGreaterThan(0);
      for (const file of filesOf(dataDir)) expect(statSync(file.path).mode & 0o077, file.path).toBe(0);
      await product.dispose();
    } finally {
      process.umask(old);
    }
  });
});
