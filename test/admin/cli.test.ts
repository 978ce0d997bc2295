import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAdminServer } from '../../src/admin/listener.ts';
import type { AdminServer } from '../../src/admin/listener.ts';
import { builtInTokens } from '../../src/admin/tokens.ts';
import { runCommand } from '../../src/cli/main.ts';
import { OPERATIONS } from '../../src/client/operations.ts';
import { withWrongSecret } from '../forged-key.ts';
import { TOKEN, createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';

const masterKey = randomBytes(32);
let admin: AdminFixture;
let server: AdminServer;
let folder: string;

beforeAll(async () => {
  admin = await createAdminFixture(builtInTokens({ masterKey }));
  server = await startAdminServer({ host: '127.0.0.1', port: 0, app: admin.app });
  folder = mkdtempSync(join(tmpdir(), 'keyward-cli-'));
});
afterAll(async () => {
  await server.close();
  await admin.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<Run> {
  let out = '';
  let err = '';
  const code = await runCommand(args, {
    env: { KEYWARD_ADMIN_PORT: String(server.port), KEYWARD_ADMIN_TOKEN: TOKEN, ...options.env },
    out: (text) => (out += text),
    err: (text) => (err += text),
    readInput: async () => options.input ?? '',
  });
  return { code, out, err };
}

async function json(args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await run([...args, '--json']);
  expect(err).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as Record<string, unknown>;
}

test('a key can be made, listed, shown, changed, suspended, resumed and revoked', async () => {
  const made = await run([
    'keys',
    'create',
    '--name',
    'billing',
    '--models',
    'openai/*,fast',
    '--requests-per-minute',
    '60',
    '--tags',
    'a',
    '--tags',
    'b',
  ]);
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(made.out).toMatch(/shown this once; store it now:\n\n {2}kwk_live_\w{12}_\w{43}_\w{6}\n/);
  const kid = /^kid +(\w{12})$/m.exec(made.out)?.[1] ?? '';

  expect((await run(['keys', 'list'])).out).toMatch(
    new RegExp(`^kid +name +state .*\\n(.*\\n)*${kid} +billing +active`),
  );
  expect(await json(['keys', 'show', kid])).toMatchObject({
    scopes: { models: ['openai/*', 'fast'] },
    limits: { requestsPerMinute: 60 },
    tags: ['a', 'b'],
  });
  await json(['keys', 'update', kid, '--models', 'none', '--requests-per-minute', 'none', '--concurrency', '3']);
  expect(await json(['keys', 'show', kid])).toMatchObject({
    scopes: { models: null },
    limits: { requestsPerMinute: null, concurrency: 3 },
  });
  expect(await json(['keys', 'suspend', kid, '--reason', 'odd'])).toMatchObject({ state: 'suspended' });
  expect(await json(['keys', 'resume', kid])).toMatchObject({ state: 'active' });
  const revoked = await run(['keys', 'revoke', kid, '--compromised']);
  expect(revoked.out).toMatch(/^state +compromised$/m);
  expect(revoked.out).toMatch(/In force on all 2 workers \(version \d+\)\.\n$/);
});

test('a rule is written as the API takes it', async () => {
  const when = '{"kind":"repeated_failures","count":10,"within":"5m"}';
  const rule = ['--when', when, '--actions', '[{"kind":"suspend"}]', '--undo-after', '1h'];
  expect(await json(['response-rules', 'create', '--name', 'guessing', ...rule])).toMatchObject({
    state: 'dry-run',
    when: { kind: 'repeated_failures', per: 'key', count: 10, within: '5m' },
    actions: [{ kind: 'suspend' }],
    undoAfter: '1h',
  });
});

test('every operation can be reached, and tells its flags', async () => {
  const verbs = Object.values(OPERATIONS).flatMap(({ cli }) => (cli === null ? [] : [cli.verb]));
  expect(verbs).toEqual(
    expect.arrayContaining(['keys create', 'keys list', 'usage', 'audit list', 'status', 'calls show']),
  );
  for (const verb of verbs) {
    const { code, out } = await run([...verb.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`Usage: keyward ${verb}`);
    expect(out).toContain('--json');
  }
});

test('help is given at every level', async () => {
  expect((await run([])).out).toContain('keys create');
  expect((await run(['--help'])).out).toContain('config check');
  expect((await run(['keys', '--help'])).out).toContain('keys revoke <kid>');
  expect((await run(['keys'])).out).toContain('keys revoke <kid>');
  expect((await run(['config'])).out).toContain('config check [file]');
});

describe('the secret of a credential', () => {
  const args = ['credentials', 'create', '--provider-id', 'openai', '--name', 'main'];
  const SECRET = 'sk-proj-0123456789abcdefWXYZ';

  test('comes by stdin or by an environment variable, and is not shown', async () => {
    const byInput = await run([...args, '--secret-stdin'], { input: `${SECRET}\n` });
    const byVariable = await run([...args, '--secret-env', 'MY_SECRET'], { env: { MY_SECRET: SECRET } });
    for (const { code, out } of [byInput, byVariable]) {
      expect(code).toBe(0);
      expect(out).toMatch(/^hint +WXYZ$/m);
      expect(out).not.toContain(SECRET);
    }
    const stored = await admin.store.workspace(admin.workspaceId).credentials.secrets();
    expect(stored.map(({ secret }) => secret)).toEqual([SECRET, SECRET]);
  });

  test('is not taken as an argument, where others could see it', async () => {
    const refused = await run([...args, '--secret', SECRET]);
    expect(refused.code).toBe(2);
    expect(refused.err).not.toContain(SECRET);
    expect((await run(args)).err).toBe('keyward: --secret-stdin or --secret-env NAME is needed.\n');
    expect((await run([...args, '--secret-env', 'NOT_SET'])).err).toContain('NOT_SET is not set');
  });
});

describe('without KEYWARD_ADMIN_TOKEN', () => {
  const env = { KEYWARD_ADMIN_TOKEN: '' };

  test('the master key of the data folder, or of the environment, is enough', async () => {
    writeFileSync(join(folder, 'master.key'), `${masterKey.toString('base64')}\n`, { mode: 0o600 });
    const list = ['audit', 'list', '--action', 'applications.create'];
    expect((await run(['status', '--data-dir', folder], { env })).code).toBe(0);
    expect((await run(['status'], { env: { ...env, KEYWARD_DATA_DIR: folder } })).code).toBe(0);
    const byKey = { ...env, KEYWARD_MASTER_KEY: masterKey.toString('base64') };
    expect((await run(['applications', 'create', '--name', 'shop'], { env: byKey })).code).toBe(0);
    expect((await run(list)).out).toContain('token:local');
  });

  test('a token of this machine is not sent to another', async () => {
    const { code, err } = await run(['status', '--url', 'http://203.0.113.7:8081', '--data-dir', folder], { env });
    expect(code).toBe(1);
    expect(err).toBe('keyward: No admin token for http://203.0.113.7:8081: set KEYWARD_ADMIN_TOKEN.\n');
  });

  test('and without a master key, the message says what to do', async () => {
    const { code, err } = await run(['status', '--data-dir', join(folder, 'nowhere')], { env });
    expect(code).toBe(1);
    expect(err).toMatch(/^keyward: No admin token: .*--data-dir.*KEYWARD_ADMIN_TOKEN\.\n$/);
  });

  test('another server’s master key is refused with a hint', async () => {
    const other = randomBytes(32).toString('base64');
    const { code, err } = await run(['status'], { env: { ...env, KEYWARD_MASTER_KEY: other } });
    expect(code).toBe(1);
    expect(err).toContain('does not accept the token from the master key (KEYWARD_MASTER_KEY)');
  });
});

describe('failures are one line on stderr and an exit code', () => {
  test.each([
    [['keys', 'create'], 2, '--name string is needed.'],
    [
      ['keys', 'create', '--name', 'x', '--nonsense', '1'],
      2,
      "Unknown option '--nonsense'. See: keyward keys create --help",
    ],
    [
      ['keys', 'rotate', 'AAAAAAAAAAAA', '--overlap', '-5h'],
      2,
      'keyward: --overlap needs a value; one that begins with a dash is written as --overlap=VALUE. See: keyward keys rotate --help\n',
    ],
    [['keys', 'show', 'AAAAAAAAAAAA', '--url'], 2, 'keyward: --url needs a value. See: keyward keys show --help\n'],
    [['status', '--json=yes'], 2, 'keyward: --json takes no value. See: keyward status --help\n'],
    [['config', 'check', '--nonsense'], 2, "keyward: Unknown option '--nonsense'.\n"],
    [['keys', 'create', '--name', 'x', '--concurrency', 'many'], 2, '--concurrency must be a whole number, not many.'],
    [['keys', 'show'], 2, 'Exactly this is needed: <kid>.'],
    [['status', 'now'], 2, 'Unexpected argument: now.'],
    [['nonsense'], 2, 'There is no command "nonsense". See: keyward --help'],
    [['keys', 'nonsense'], 2, 'There is no command "keys nonsense". See: keyward keys --help'],
    [['status', '--url', 'ftp://x'], 2, 'ftp://x is not an http or https URL.'],
    [['keys', 'show', 'AAAAAAAAAAAA'], 1, 'There is no key AAAAAAAAAAAA. (not_found, request req_'],
    [['keys', 'create', '--name', 'x', '--addresses', 'nowhere'], 1, 'scopes.addresses[0] is not valid'],
    [
      ['status', '--url', 'http://127.0.0.1:1'],
      1,
      'Nothing answers at http://127.0.0.1:1. Start the server with "npm start"',
    ],
  ])('%j', async (args, code, message) => {
    const result = await run(args);
    expect(result).toMatchObject({ code, out: '' });
    expect(result.err).toContain(`keyward: `);
    expect(result.err).toContain(message);
    expect(result.err.trimEnd().split('\n')).toHaveLength(1);
  });

  test('also when what answers is something else', async () => {
    const { code, err } = await run(['status', '--url', `http://127.0.0.1:${server.port}/api/docs?x=`]);
    expect(code).toBe(1);
    expect(err).toContain('is not Keyward');
  });
});

test('what a caller chose cannot steer the terminal', async () => {
  await json(['keys', 'create', '--name', 'red \u{1b}[31m\u{202e} alert']);
  const { out } = await run(['keys', 'list', '--search', 'alert']);
  expect(out).toContain('red \u{fffd}[31m\u{fffd} alert');
  expect(out).not.toContain('\u{1b}');
});

describe('config check', () => {
  test('tells a valid file from one with mistakes, each with its line', async () => {
    const good = join(folder, 'good.yaml');
    const bad = join(folder, 'bad.yaml');
    writeFileSync(good, 'logLevel: info\n');
    writeFileSync(bad, 'logLevel: info\nworkers: many\nnonsense: 1\n');
    expect(await run(['config', 'check', good])).toEqual({ code: 0, out: `${good} is valid.\n`, err: '' });
    const refused = await run(['config', 'check', bad]);
    expect(refused).toMatchObject({ code: 1, err: `keyward: ${bad} has 2 mistakes.\n` });
    expect(refused.out).toMatch(/^bad\.yaml:2:\d+ workers: .+\nbad\.yaml:3:\d+ nonsense: .+\n$/);
    const asJson = await run(['config', 'check', bad, '--json']);
    expect(JSON.parse(asJson.out)).toMatchObject({ ok: false, errors: [{ line: 2 }, { line: 3 }] });
    expect((await run(['config', 'check', join(folder, 'missing.yaml')])).code).toBe(1);
  });
});

test('a preview shows which keys would stop, and says that nothing was changed', async () => {
  const application = await json(['applications', 'create', '--name', 'preview', '--subscribed-models', '*']);
  const id = String(application['id']);
  const key = await json(['keys', 'create', '--name', 'beneath', '--application-id', id]);
  const preview = await run(['applications', 'delete', id, '--preview']);
  expect(preview).toMatchObject({ code: 0, err: '' });
  expect(preview.out).toMatch(new RegExp(`${String(key['kid'])} +beneath .*stops +application_disabled`));
  expect(preview.out).toContain('A preview: nothing was changed.');
  expect((await run(['applications', 'show', id])).code).toBe(0);
  const deleted = await run(['applications', 'delete', id]);
  expect(deleted.out).toMatch(/stops +1/);
  expect(deleted.out).not.toContain('preview: nothing');
});

test('many keys are changed by one command, which says that it is in force everywhere', async () => {
  await json(['keys', 'create', '--name', 'one', '--tags', 'bulk-of-the-cli']);
  const done = await run(['keys', 'bulk', '--action', 'revoke', '--tag', 'bulk-of-the-cli', '--reason', 'over']);
  expect(done).toMatchObject({ code: 0, err: '' });
  expect(done.out).toContain('In force on all 2 workers');
  expect(done.out).toMatch(/one .*active +stops +revoked/);
});

test('--workspace names the workspace that a command is about', async () => {
  const made = await json(['workspaces', 'create', '--name', 'tenant']);
  await json(['people', 'create', '--name', 'Ada', '--workspace', String(made['id'])]);
  expect((await run(['people', 'list', '--workspace', String(made['id'])])).out).toContain('Ada');
  expect((await run(['people', 'list'])).out).toBe('None.\n');
});

test('a command that takes long says that it goes on, beside its answer', async () => {
  const slow = createServer((_req, res) => void setTimeout(() => res.end('{"items":[],"next":null}'), 2300));
  await new Promise<void>((resolve) => void slow.listen(0, '127.0.0.1', resolve));
  const { port } = slow.address() as AddressInfo;
  const { code, out, err } = await run(['people', 'list', '--url', `http://127.0.0.1:${port}`]);
  slow.close();
  expect([code, out, err]).toEqual([0, 'None.\n', 'Still working, for 2 s …\n']);
});

test('what a key did, what was done to it and whether it is valid are shown for people', async () => {
  const made = await json(['keys', 'create', '--name', 'shown']);
  const kid = String(made['kid']);
  expect((await run(['keys', 'exposure', kid])).out).toContain('It made no call.');
  await admin.calls.write([
    callRow(admin.workspaceId, {
      ...{ workspaceId: admin.workspaceId, kid, requestId: 'req_shown', country: 'DE' },
      costNanoUsd: 12_300,
    }),
  ]);
  const exposure = await run(['keys', 'exposure', kid]);
  expect(exposure.out).toMatch(/new addresses +127\.0\.0\.1\n/);
  expect(exposure.out).toMatch(/countries\n +DE +1 calls, 1 \+ 1 tokens, 0\.0000123 USD,/);
  expect((await run(['keys', 'timeline', kid])).out).toMatch(/calls +1 call: 200 ok/);
  const verify = (key: string, ...flags: string[]) => run(['keys', 'verify', '--key-stdin', ...flags], { input: key });
  expect((await verify(String(made['key']), '--explain')).out).toMatch(/^✓ valid\n(.*\n)+ +✓ expiry/);
  expect((await verify(withWrongSecret(kid))).out).toBe('✗ not valid: invalid_api_key\n');
});

test('limits are shown with their units, and which of them refuse', async () => {
  const budgets = '[{"usd":1.5,"period":"month"},{"usd":0.25,"period":"day","kind":"soft"}]';
  const limits = ['--budgets', budgets, '--usd-per-call-max', '0.00001', '--tokens-per-day', '1000000000'];
  const made = await json(['keys', 'create', '--name', 'limited', ...limits]);
  const { out } = await run(['keys', 'limits', String(made['kid'])]);
  expect(out).toMatch(/^level +name +period +kind +limit +used +held +left +resetsAt +exhaustedAt\n/);
  expect(out).toMatch(/^key +usdPerCallMax +- +hard +0\.00001 USD +0 USD +0 USD +0\.00001 USD/m);
  expect(out).toMatch(/^key +tokensPerDay +- +hard +1000000000 +0 +0 +1000000000/m);
  expect(out).toMatch(/^key +budget +month +hard +1\.5 USD/m);
  expect(out).toMatch(/^key +budget +day +soft +0\.25 USD/m);
});

test('who uses which secret is shown with what each number means', async () => {
  const { kid } = await json(['keys', 'create', '--name', 'moving']);
  await json(['keys', 'rotate', String(kid), '--overlap', '1h']);
  const call = { workspaceId: admin.workspaceId, kid: String(kid), secretGeneration: 1, userAgent: 'curl/8.5' };
  admin.activity.observe([callRow(admin.workspaceId, call)]);
  const { out } = await run(['keys', 'adoption', String(kid)]);
  expect(out).toMatch(/^\w{12}: last used 2\S+Z from 127\.0\.0\.1\n/);
  expect(out).toContain('\n\nsecret 2, current: no calls\n\n');
  expect(out).toMatch(
    /^secret 1, retiring, accepted until 2\S+Z: 1 calls, last 2\S+Z\n {2}127\.0\.0\.0\/24 curl.* {2}1 calls, /m,
  );
});

test('a key is diagnosed by its fingerprint without a flag, or by its text from stdin', async () => {
  const made = await json(['keys', 'create', '--name', 'asked']);
  const byFingerprint = await run(['diagnose', String(made['fingerprint'])]);
  expect(byFingerprint.out).toMatch(/nothing stands against it; its secret was not given/);
  expect((await run(['diagnose', '--key-stdin'], { input: `${String(made['key'])}\n` })).out).toMatch(
    /"asked": it works\n/,
  );
  const opened = await run(['cases', 'open', String(made['kid'])]);
  expect(opened.out).toMatch(/next +keyward cases verify-owner case_\w+\n(.*\n)*.*✓ identify +done/);
});
