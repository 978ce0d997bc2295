/** The examples and the programs of the documentation, run as they stand. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import { chat, codeOf, REAL_SECRET, received } from './backend.ts';

const ROOT = join(import.meta.dirname, '../..');
const SET_UP_MS_MAX = 120_000;

interface Running {
  readonly lines: readonly string[];
  readonly child: ChildProcess;
  readonly errors: readonly string[];
  exitCode(): Promise<number | null>;
}

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-example-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function run(file: string, env: Readonly<Record<string, string>>, cwd = ROOT): Running {
  const child = spawn(process.execPath, [file], { cwd, env: { ...process.env, ...env } });
  const [lines, errors]: [string[], string[]] = [[], []];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.on('data', (bytes: Buffer) => errors.push(bytes.toString()));
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  return { child, lines, errors, exitCode: () => ended };
}

describe('the example for', () => {
  test.each(['node-http', 'express', 'hono'])('%s serves a masked call, a stream and its own pages', async (name) => {
    const provider = await startFakeUpstream();
    onTestFinished(() => provider.close());
    const program = run(join(ROOT, 'examples', name, 'server.ts'), {
      PORT: '0',
      DATA_DIR: join(tempFolder(), 'data'),
      PROVIDER_KEY: REAL_SECRET,
      PROVIDER_URL: provider.origin,
    });
    await vi.waitFor(() => expect([program.lines.length, program.errors]).toEqual([1, []]), { timeout: 20_000 });
    const { address, key } = JSON.parse(program.lines[0] ?? '') as {
      readonly address: { readonly port: number };
      readonly key: string;
    };
    const origin = `http://127.0.0.1:${address.port}`;
    expect(await (await fetch(origin)).text()).toContain('The rest of your backend.');

    const answer = await chat(`${origin}/proxy`, key);
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: 'The fake vendor says hello.' } }] });
    expect(received(provider, 'authorization')).toBe(`Bearer ${REAL_SECRET}`);
    const stream = await chat(`${origin}/proxy`, key, 'tiny', { stream: true });
    expect(await stream.text()).toMatch(/data: \[DONE\]\n\n$/);
    expect(await codeOf(await chat(`${origin}/proxy`, 'kwk_live_nonsense'))).toBe('malformed');

    const abort = new AbortController();
    const left = await fetch(`${origin}/proxy/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'slow-stream', stream: true, messages: [] }),
      signal: abort.signal,
    });
    await left.body?.getReader().read();
    abort.abort();
    await vi.waitFor(() => expect(provider.requests.at(-1)?.abortedAtMs).not.toBeNull());
    program.child.kill('SIGTERM');
    expect(await program.exitCode()).toBe(0);
  });
});

/** The TypeScript programs of a page, in their order. */
function programsOf(page: string, marker: string): readonly string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, code]) => code ?? '')
    .filter((code) => code.includes(marker));
}

describe('the documentation', () => {
  test('sets a backend up in three lines, which run as they stand in well under two minutes', async () => {
    const provider = await startFakeUpstream();
    onTestFinished(() => provider.close());
    const [program = ''] = programsOf('README.md', 'createKeyward');
    expect(program.trim().split('\n')).toHaveLength(3);
    const folder = tempFolder();
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const code = program.replace("'keyward'", JSON.stringify(join(ROOT, 'src/index.ts')));
    const startedAtMs = performance.now();
    writeFileSync(
      join(folder, 'main.ts'),
      `${code.replace('https://api.openai.com', provider.origin)}
       const answer = await keyward.handler().fetch(new Request('http://localhost/v1/models', { headers: { authorization: \`Bearer \${key}\` } }));
       console.log(answer.status); await keyward.close();`,
    );
    const running = run('main.ts', { OPENAI_API_KEY: REAL_SECRET }, folder);
    expect(await running.exitCode()).toBe(0);
    expect([running.lines, running.errors]).toEqual([['200'], []]);
    expect(received(provider, 'authorization')).toBe(`Bearer ${REAL_SECRET}`);
    expect(performance.now() - startedAtMs).toBeLessThan(SET_UP_MS_MAX);
  });

  test('has a guide whose programs run as they stand, one after the other, in one file', async () => {
    const provider = await startFakeUpstream();
    onTestFinished(() => provider.close());
    const programs = programsOf('docs/guide/embedding.md', '');
    expect(programs.length).toBeGreaterThan(4);
    const folder = tempFolder();
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const code = programs
      .join('\n')
      .replaceAll("'keyward'", JSON.stringify(join(ROOT, 'src/index.ts')))
      .replaceAll('https://api.openai.com', provider.origin)
      .replaceAll('https://api.zog.example', provider.origin);
    writeFileSync(join(folder, 'main.ts'), `${code}\nconsole.log('done');\n`);
    const env = { OPENAI_API_KEY: REAL_SECRET, OPENAI_API_KEY_2: `${REAL_SECRET}2`, ZOG_KEY: REAL_SECRET };
    const running = run('main.ts', env, folder);
    expect([await running.exitCode(), running.errors]).toEqual([0, []]);
    expect(running.lines.at(-1)).toBe('done');
    expect(provider.requests.length).toBeGreaterThan(0);
  });
});
