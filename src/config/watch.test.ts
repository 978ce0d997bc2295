import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { ConfigResult } from './load.ts';
import { watchConfig } from './watch.ts';

function startWatching(path: string) {
  const results: ConfigResult[] = [];
  const watcher = watchConfig({
    path,
    env: {},
    quietMs: 20,
    onChange: (result) => results.push(result),
    onError: (error) => {
      throw error;
    },
  });
  onTestFinished(() => watcher.stop());
  const told = (count: number) => vi.waitFor(() => expect(results).toHaveLength(count), { timeout: 5000 });
  return { results, watcher, told };
}

function folderWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'keyward.yaml'), text);
  return folder;
}

test('a file that is written, replaced or broken is told each time, once', async () => {
  const folder = folderWith('workers: 1');
  const path = join(folder, 'keyward.yaml');
  const { results, told } = startWatching(path);
  writeFileSync(path, 'workers: 2');
  await told(1);
  writeFileSync(join(folder, 'draft'), 'workers: 3');
  renameSync(join(folder, 'draft'), path);
  await told(2);
  writeFileSync(path, 'workers: none');
  await told(3);
  expect(results.map((result) => (result.ok ? result.config : result.errors[0]?.message))).toEqual([
    { workers: 2 },
    { workers: 3 },
    'must be a number',
  ]);
});

test('a file behind a link is noticed when the link is changed, as config maps do', async () => {
  const folder = folderWith('workers: 1');
  rmSync(join(folder, 'keyward.yaml'));
  writeFileSync(join(folder, 'one'), 'workers: 1');
  writeFileSync(join(folder, 'two'), 'workers: 2');
  symlinkSync('one', join(folder, 'data'));
  symlinkSync('data', join(folder, 'keyward.yaml'));
  const { results, told } = startWatching(join(folder, 'keyward.yaml'));
  symlinkSync('two', join(folder, 'next'));
  renameSync(join(folder, 'next'), join(folder, 'data'));
  await told(1);
  expect(results).toEqual([{ ok: true, config: { workers: 2 } }]);
});

test('changes that change nothing are not told, nor anything after the stop', async () => {
  const folder = folderWith('workers: 1');
  const path = join(folder, 'keyward.yaml');
  const { results, watcher } = startWatching(path);
  writeFileSync(join(folder, 'other'), 'x');
  writeFileSync(path, 'workers: 1 # the same');
  await sleep(150);
  expect(results).toEqual([]);
  watcher.stop();
  unlinkSync(path);
  await sleep(100);
  expect(results).toEqual([]);
});
