/**
 * `npm run bench`: CPU time per proxied call, beside nginx as a plain proxy, on the same machine in
 * the same run. Options: `--json`, `--seconds N` (of each measurement), `--rounds N`.
 * `--translation`: a stream between two dialects beside one within a dialect, and nothing else.
 * `--delegate [--count N]`: what delegated keys cost, and nothing else. `--embed [--count N]`: the
 * engine inside of another program, and nothing else.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { withWrongSecret } from '../test/forged-key.ts';
import { createKey, startProduct } from '../test/product.ts';
import { cpuMicrosOfTree } from './cpu-time.ts';
import { benchDelegate } from './delegate.ts';
import { benchEmbed } from './embed.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { NGINX_SETTINGS, findNginx, startNginx } from './nginx.ts';
import type { Nginx } from './nginx.ts';
import { median, renderTable } from './table.ts';
import { benchVerify } from './verify.ts';

const CONNECTIONS = 32;
const WORKERS = 2;
/** The same request, to a vendor of the caller's dialect and to one of another. */
const TRANSLATED_PROMPT_BYTES = 1_800;
/** Work put off during the load, such as writing records, is charged too. */
const SETTLE_MS = 500;
const PROMPT_BYTES = 43_000;
const LIMIT = 1_000_000_000;

interface Scenario {
  readonly name: string;
  readonly prompt: string;
  readonly stream: boolean;
  readonly expectedStatus: number;
  /** The scenario of nginx to compare with, where nginx has no equivalent. */
  readonly comparedWith: string;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'small call', prompt: 'word '.repeat(80), stream: false, expectedStatus: 200, comparedWith: 'small call' },
  {
    name: '43 KB prompt',
    prompt: 'word '.repeat(PROMPT_BYTES / 5),
    stream: false,
    expectedStatus: 200,
    comparedWith: '43 KB prompt',
  },
  {
    name: '50-event stream',
    prompt: 'word '.repeat(80),
    stream: true,
    expectedStatus: 200,
    comparedWith: '50-event stream',
  },
  { name: 'rejected key', prompt: 'word '.repeat(80), stream: false, expectedStatus: 401, comparedWith: 'small call' },
];

const TRANSLATED: readonly Scenario[] = [
  {
    name: '2 KB prompt, 50-event stream',
    prompt: 'word '.repeat(TRANSLATED_PROMPT_BYTES / 5),
    stream: true,
    expectedStatus: 200,
    comparedWith: '2 KB prompt, 50-event stream',
  },
];

interface Measurement {
  readonly cpuMicros: number;
  readonly perSecond: number;
  readonly failures: number;
}

interface Subject {
  readonly name: string;
  readonly pid: number;
  port(scenario: Scenario): number;
  /** The bytes to send; null where this one has no such scenario. */
  request(scenario: Scenario): string | null;
}

interface Result {
  readonly scenario: string;
  readonly nginx: Summary | null;
  readonly keyward: Summary;
  readonly cpuRatio: number | null;
  readonly failures: number;
}

interface Summary {
  readonly cpuMicrosPerCall: number;
  readonly callsPerSecond: number;
}

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'calls-only': { type: 'boolean', default: false },
    delegate: { type: 'boolean', default: false },
    embed: { type: 'boolean', default: false },
    translation: { type: 'boolean', default: false },
    count: { type: 'string' },
  },
});

function say(text: string): void {
  // With --json, standard output holds the JSON alone.
  (options.json ? process.stderr : process.stdout).write(`${text}\n`);
}

function start(file: string): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, file)], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no standard output to read');
  const lines = createInterface({ input: child.stdout });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    lines.once('close', () => reject(new Error('a helper process ended early')));
  });
  lines.close();
  return line;
}

async function runLoad(generator: ChildProcess, order: LoadOrder): Promise<LoadResult> {
  generator.stdin?.write(`${JSON.stringify(order)}\n`);
  return JSON.parse(await firstLine(generator)) as LoadResult;
}

function requestBytes(scenario: Scenario, model: string, key: string | null): string {
  const body = JSON.stringify({
    model,
    stream: scenario.stream,
    ...(scenario.stream ? { stream_options: { include_usage: true } } : {}),
    messages: [{ role: 'user', content: scenario.prompt }],
  });
  return [
    'POST /v1/chat/completions HTTP/1.1',
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...(key === null ? [] : [`Authorization: Bearer ${key}`]),
    '',
    body,
  ].join('\r\n');
}

async function measure(
  generator: ChildProcess,
  subject: Subject,
  scenario: Scenario,
  ms: number,
): Promise<Measurement | null> {
  const request = subject.request(scenario);
  if (request === null) return null;
  const before = cpuMicrosOfTree(subject.pid);
  const { expectedStatus } = scenario;
  const order = { port: subject.port(scenario), request, connections: CONNECTIONS, durationMs: ms, expectedStatus };
  const result = await runLoad(generator, order);
  await sleep(SETTLE_MS);
  return {
    cpuMicros: (cpuMicrosOfTree(subject.pid) - before) / result.requests,
    perSecond: (result.requests / result.elapsedMs) * 1000,
    failures: result.failures,
  };
}

type Measurements = Map<string, Measurement[]>;

function summarise(found: readonly Measurement[] | undefined): Summary | null {
  if (found === undefined || found.length === 0) return null;
  return {
    cpuMicrosPerCall: median(found.map((one) => one.cpuMicros)),
    callsPerSecond: median(found.map((one) => one.perSecond)),
  };
}

function conclude(scenario: Scenario, measurements: Measurements, baseline: string, subject: string): Result {
  const own = measurements.get(`${subject} ${scenario.name}`) ?? [];
  const theirs = measurements.get(`${baseline} ${scenario.comparedWith}`) ?? [];
  const keyward = summarise(own);
  if (keyward === null) throw new Error(`nothing was measured for ${scenario.name}`);
  const nginx = summarise(theirs);
  return {
    scenario: scenario.name,
    nginx,
    keyward,
    cpuRatio: nginx === null ? null : keyward.cpuMicrosPerCall / nginx.cpuMicrosPerCall,
    failures: [...own, ...theirs].reduce((sum, one) => sum + one.failures, 0),
  };
}

async function measureAll(
  generator: ChildProcess,
  subjects: readonly Subject[],
  scenarios: readonly Scenario[],
): Promise<readonly Result[]> {
  const measurements: Measurements = new Map();
  const ms = Number(options.seconds) * 1000;
  // Round 0 warms up and is thrown away.
  for (let round = 0; round <= Number(options.rounds); round += 1) {
    for (const scenario of scenarios) {
      // Interleaved, so that a change of the machine's mood meets both.
      for (const subject of subjects) {
        const found = await measure(generator, subject, scenario, ms);
        const name = `${subject.name} ${scenario.name}`;
        if (round > 0 && found !== null) measurements.set(name, [...(measurements.get(name) ?? []), found]);
      }
    }
  }
  const [baseline, subject = baseline] = subjects.map(({ name }) => name);
  return scenarios.map((scenario) => conclude(scenario, measurements, baseline ?? '', subject ?? ''));
}

function nginxSubject(nginx: Nginx): Subject {
  return {
    name: 'nginx',
    pid: nginx.pid,
    port: (scenario) => (scenario.stream ? nginx.streamPort : nginx.port),
    request: (scenario) => (scenario.expectedStatus === 200 ? requestBytes(scenario, 'tiny', null) : null),
  };
}

async function startKeyward(upstreamPort: number) {
  const origin = `http://127.0.0.1:${upstreamPort}`;
  const config = `providers:\n  bench: { dialect: openai, baseUrl: "${origin}/v1", credentials: [{ secret: x }] }\n  other: { dialect: anthropic, baseUrl: "${origin}", credentials: [{ secret: x }] }\n`;
  const product = await startProduct({ workers: WORKERS, config });
  const { kid, key } = await createKey(product, {
    scopes: { models: ['bench/*', 'other/*'], operations: ['chat'] },
    limits: { requestsPerSecond: LIMIT, requestsPerDay: LIMIT, concurrency: 1_000 },
  });
  const forged = withWrongSecret(kid);
  const port = Number(new URL(product.gatewayUrl).port);
  const subjectOf = (name: string, model: string): Subject => ({
    name,
    pid: product.pid,
    port: () => port,
    request: (scenario) => requestBytes(scenario, model, scenario.expectedStatus === 401 ? forged : key),
  });
  return {
    subject: subjectOf('keyward', 'bench/tiny'),
    translating: subjectOf('translating', 'other/tiny'),
    stop: () => product.dispose(),
  };
}

function show(results: readonly Result[]): void {
  const whole = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(0));
  say('');
  say(
    renderTable(
      ['', 'nginx µs/call', 'keyward µs/call', 'ratio', 'nginx calls/s', 'keyward calls/s'],
      results.map((result) => [
        result.scenario,
        result.nginx?.cpuMicrosPerCall.toFixed(1) ?? '-',
        result.keyward.cpuMicrosPerCall.toFixed(1),
        result.cpuRatio?.toFixed(2) ?? '-',
        whole(result.nginx?.callsPerSecond),
        whole(result.keyward.callsPerSecond),
      ]),
    ),
  );
  say('');
  say('CPU time of the whole process tree, user and system, per call: the figure. Calls per second');
  say('are for information: load, vendor and subject share the same cores. The rejected key is');
  say('compared with nginx passing a small call, since nginx has no equivalent.');
}

function showTranslation(results: readonly Result[]): void {
  const rows = results.map((result) => [
    result.scenario,
    result.nginx?.cpuMicrosPerCall.toFixed(1) ?? '-',
    result.keyward.cpuMicrosPerCall.toFixed(1),
    result.cpuRatio?.toFixed(2) ?? '-',
  ]);
  say(renderTable(['', 'same dialect µs/call', 'translated µs/call', 'ratio'], rows));
}

async function main(): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the benchmark reads CPU time from /proc, which only Linux has');
  const upstream = start('upstream.ts');
  const generator = start('load.ts');
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const upstreamPort = Number(await firstLine(upstream));
    if (options.translation) {
      const keyward = await startKeyward(upstreamPort);
      stops.push(keyward.stop);
      showTranslation(await measureAll(generator, [keyward.subject, keyward.translating], TRANSLATED));
      return;
    }
    const nginxPath = findNginx();
    say(`${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, Node ${process.version}`);
    say(`each ${options.seconds} s over ${CONNECTIONS} connections, median of ${options.rounds} interleaved rounds`);
    say('keyward: 2 workers; key check, scopes, limits, metering and call records on');
    say(nginxPath === null ? 'nginx: not found, so there is nothing to compare with' : `nginx: ${NGINX_SETTINGS}`);
    const subjects: Subject[] = [];
    if (nginxPath !== null) {
      const nginx = await startNginx(nginxPath, upstreamPort);
      stops.push(() => nginx.stop());
      subjects.push(nginxSubject(nginx));
    }
    const keyward = await startKeyward(upstreamPort);
    stops.push(keyward.stop);
    subjects.push(keyward.subject);
    const results = await measureAll(generator, subjects, SCENARIOS);
    show(results);
    if (options.json) process.stdout.write(`${JSON.stringify({ results }, null, 2)}\n`);
    const failures = results.reduce((sum, result) => sum + result.failures, 0);
    if (failures > 0) throw new Error(`${failures} calls were not answered as expected: the figures mean nothing`);
  } finally {
    generator.stdin?.end();
    upstream.stdin?.end();
    await Promise.all(stops.map((stop) => stop()));
  }
}

if (options.delegate) await benchDelegate(Number(options.count ?? 1_000_000));
else if (options.embed) await benchEmbed(Number(options.count ?? 50_000));
else {
  await main();
  if (!options['calls-only'] && !options.translation && !options.json) await benchVerify();
}
