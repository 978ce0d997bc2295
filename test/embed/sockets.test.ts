import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import { listen } from './backend.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What the program connected to and looked up, once it has ended well. */
async function audit(baseUrl: string, elsewhere = ''): Promise<readonly (readonly [string, string])[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const hook = join(ROOT, 'test/embed/record-connections.ts');
  const program = join(ROOT, 'test/embed/audited-program.ts');
  const args = ['--import', hook, program, join(folder, 'data'), baseUrl, elsewhere];
  const child = spawn(process.execPath, args, { cwd: ROOT });
  let told = '';
  child.stderr.on('data', (bytes: Buffer) => (told += bytes.toString()));
  const exitCode = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  expect([exitCode, told.includes('Error')]).toEqual([0, false]);
  const lines = told.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as [string, string]);
}

describe('an embedded Keyward', () => {
  test('connects to the providers of its keys and to nothing else, and asks nobody for names', async () => {
    const provider = await startFakeUpstream();
    onTestFinished(() => provider.close());
    const seen = await audit(provider.origin);
    expect(seen.length).toBeGreaterThan(0);
    expect(new Set(seen.map(([what, to]) => `${what} ${to}`))).toEqual(
      new Set([`connect ${new URL(provider.origin).host}`]),
    );
    expect(provider.requests).toHaveLength(101);
  });

  test('would be found out if it did: the audit sees a connection to anybody else', async () => {
    const provider = await startFakeUpstream();
    onTestFinished(() => provider.close());
    const other = createServer((_req, res) => void res.end());
    onTestFinished(() => void other.close());
    const origin = await listen(other);
    const seen = await audit(provider.origin, origin);
    expect(seen.map(([, to]) => to)).toContain(new URL(origin).host);
  });
});
