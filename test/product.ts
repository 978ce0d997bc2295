/** Starts the real product as a child process, on ports and a data folder of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ProductOptions {
  /** More flags of `serve`. */
  readonly args?: readonly string[];
  /** Text of keyward.yaml; without it the product starts without a config file. */
  readonly config?: string;
  /** A data folder to start on; without it a fresh one, removed with the product. */
  readonly dataDir?: string;
  readonly workers?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface Product {
  readonly pid: number;
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly adminToken: string;
  readonly dataDir: string;
  /** Where the config file is, or would be; rewriting it is a hot reload. */
  readonly configFile: string;
  /** The key printed at the first start; empty at a later one. */
  readonly firstKey: string;
  /** The command printed at the first start, ready for a shell; empty at a later one. */
  readonly curl: string;
  /** Milliseconds from spawn to readiness. */
  readonly startMs: number;
  /** In the default workspace, unless another is named. */
  admin(method: string, path: string, body?: unknown, workspaceId?: string): Promise<AdminAnswer>;
  /** Everything written to stderr so far. */
  logs(): string;
  stdout(): string;
  /** SIGTERM; resolves with the exit code when the process is gone. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Ends the process in any case and removes what it left on disk. For `afterAll`. */
  dispose(): Promise<void>;
}

/** What a start that is meant to fail left behind. */
export interface FailedStart {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = join(import.meta.dirname, '..');
const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 30_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the product and waits until it is ready. Throws with the child's own words when it is not. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-test-'));
  const dataDir = options.dataDir ?? join(folder, 'data');
  const configFile = join(folder, 'keyward.yaml');
  if (options.config !== undefined) writeFileSync(configFile, options.config);
  const adminToken = options.env?.['KEYWARD_ADMIN_TOKEN'] ?? 'test-admin-token-0123456789abcdefghijklmnop';
  const firstStart = !existsSync(dataDir) || readdirSync(dataDir).length === 0;

  const startedAtMs = performance.now();
  const args = ['--port', '0', '--admin-port', '0', '--data-dir', dataDir, '--workers', String(options.workers ?? 2)];
  if (options.config !== undefined) args.push('--config', configFile);
  args.push(...(options.args ?? []));
  const child = launch(args, { KEYWARD_ADMIN_TOKEN: adminToken, ...options.env });
  const output = collect(child);
  const ready = await waitForReady(child, output, firstStart);
  const startMs = performance.now() - startedAtMs;

  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    return exitOf(child, STOP_MS_MAX);
  };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exitOf(child, STOP_MS_MAX);
  };
  return {
    pid: child.pid ?? 0,
    ...ready,
    adminToken,
    dataDir,
    configFile,
    startMs,
    admin: (method, path, body, workspaceId) =>
      callAdmin(ready.adminUrl, adminToken, { method, path, body, workspaceId }),
    logs: () => output.stderr,
    stdout: () => output.stdout,
    stop,
    kill,
    dispose: async () => {
      if (child.exitCode === null && child.signalCode === null) await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the product with arguments of one's own, and waits until it has given up. */
export async function startInVain(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<FailedStart> {
  const child = launch(args, env);
  const output = collect(child);
  const exitCode = await exitOf(child, READY_MS_MAX);
  return { exitCode, ...output };
}

/** A key made through the admin API. */
export async function createKey(
  product: Product,
  input: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly kid: string; readonly key: string }> {
  const answer = await product.admin('POST', '/keys', { name: 'test key', ...input });
  if (answer.status !== 201) throw new Error(`no key: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as { readonly kid: string; readonly key: string };
}

/** A call record as the admin API shows it, as far as tests look at it. */
export interface ShownCall {
  readonly requestId: string;
  readonly status: number;
  readonly code: string;
  readonly complete: boolean;
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly costNanoUsd: number | null;
  readonly secretGeneration: number | null;
  readonly worker: number;
}

/** Every record of calls that proved a key, page by page; `query` begins with `&`. */
export async function listCalls(product: Product, query = ''): Promise<readonly ShownCall[]> {
  const calls: ShownCall[] = [];
  let cursor: string | null = null;
  do {
    const at: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await product.admin('GET', `/calls?limit=500${query}${at}`);
    if (answer.status !== 200) throw new Error(`no calls: ${answer.status} ${JSON.stringify(answer.body)}`);
    const page = answer.body as { readonly items: readonly ShownCall[]; readonly next: string | null };
    calls.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return calls;
}

/** The record of one call; records are written off the path, so it may take a moment to appear. */
export async function findCall(product: Product, requestId: string): Promise<ShownCall> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const answer = await product.admin('GET', `/calls/${requestId}`);
    if (answer.status === 200) return answer.body as ShownCall;
    if (performance.now() > deadline) throw new Error(`no record of the call ${requestId}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Output {
  stdout: string;
  stderr: string;
}

interface Ready {
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly firstKey: string;
  readonly curl: string;
}

function launch(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(process.execPath, [join(ROOT, 'bin/keyward.mjs'), 'serve', ...args], {
    env: { ...cleanEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Without what would switch providers on, or set up the product, on the machine of whoever runs the tests. */
function cleanEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^(KEYWARD_|VITEST|NODE_OPTIONS$)|_API_KEY$/.test(entry[0]),
    ),
  );
}

function collect(child: ChildProcess): Output {
  const output: Output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  return output;
}

async function waitForReady(child: ChildProcess, output: Output, firstStart: boolean): Promise<Ready> {
  const deadline = performance.now() + READY_MS_MAX;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const ready = readReady(output.stdout);
    if (ready !== null && (!firstStart || (ready.firstKey !== '' && ready.curl !== ''))) return ready;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill('SIGKILL');
  const state = child.exitCode === null ? 'was not ready in time' : `ended with ${child.exitCode}`;
  throw new Error(`the product ${state}\n--- stdout\n${output.stdout}\n--- stderr\n${output.stderr}`);
}

function readReady(stdout: string): Ready | null {
  const gatewayUrl = /^.*\bGateway\s+(https?:\/\/\S+)/m.exec(stdout)?.[1];
  const adminUrl = /^.*\bAdmin\s+(https?:\/\/\S+)/m.exec(stdout)?.[1];
  if (gatewayUrl === undefined || adminUrl === undefined || !stdout.endsWith('\n')) return null;
  const firstKey = /\bkwk_live_[0-9A-Za-z]+_[0-9A-Za-z]+_[0-9A-Za-z]+/.exec(stdout)?.[0] ?? '';
  // The command goes on for as long as its lines end in a backslash.
  const curl = /^[ \t]*(curl .*(?:\\\n.*)*)$/m.exec(stdout)?.[1] ?? '';
  // A path behind the port is where people are to look first.
  return { gatewayUrl: new URL(gatewayUrl).origin, adminUrl: new URL(adminUrl).origin, firstKey, curl };
}

async function exitOf(child: ChildProcess, timeoutMs: number): Promise<number | null> {
  if (running.has(child)) {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`the product did not end within ${timeoutMs} ms`));
      }, timeoutMs);
      child.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
  return child.exitCode;
}

async function callAdmin(
  adminUrl: string,
  token: string,
  call: {
    readonly method: string;
    readonly path: string;
    readonly body: unknown;
    readonly workspaceId: string | undefined;
  },
): Promise<AdminAnswer> {
  const response = await fetch(`${adminUrl}/api/v1${call.path}`, {
    method: call.method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(call.workspaceId === undefined ? {} : { 'x-keyward-workspace': call.workspaceId }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

/** Every file below a folder, with its bytes. */
export function filesOf(folder: string): readonly { readonly path: string; readonly bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((path) => ({ path, bytes: readFileSync(path) }));
}
