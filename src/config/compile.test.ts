import { expect, test } from 'vitest';
import { applicationState, teamState } from '../keys/key-fixture.ts';
import { UNNARROWED } from '../keys/owners.ts';
import { UNKNOWN_TRAITS } from '../llm/model-traits.ts';
import { catalogueOf } from '../providers/catalogue/catalogue.ts';
import { PROVIDERS } from '../providers/index.ts';
import { ROUTE_DEFAULTS } from './compile-aliases.ts';
import { compile } from './compile.ts';
import type { CompileInput, WorkspaceInput } from './compile.ts';
import { parseConfig } from './load.ts';
import { GATEWAY_DEFAULTS } from './schema.ts';

/** Of a credential that says nothing of it. */
const PLAIN = { priority: 1, models: null };

function target(model: string) {
  return { model, weight: 1, priority: 1, when: null };
}

const EMPTY: WorkspaceInput = {
  workspace: { id: 'ws_a', state: 'active', ...UNNARROWED },
  applications: [],
  people: [],
  teams: [],
  providers: [],
  credentials: [],
  aliases: [],
  catalogue: {},
};

function fileOf(text: string): CompileInput['file'] {
  const result = parseConfig({ text, file: 'keyward.yaml', env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
}

function compiled(input: Partial<CompileInput> & { readonly yaml?: string }) {
  const { yaml, ...rest } = input;
  const result = compile({
    version: 3,
    nowMs: 5,
    file: yaml === undefined ? null : fileOf(yaml),
    env: {},
    catalogue: () => ({}),
    workspaces: [EMPTY],
    ...rest,
  });
  return {
    ...result,
    providers: result.snapshot.workspaces['ws_a']?.providers ?? {},
    aliases: result.snapshot.workspaces['ws_a']?.aliases ?? {},
  };
}

test('with nothing declared only the sandbox is on, in every workspace', () => {
  const { snapshot, warnings } = compiled({
    workspaces: [EMPTY, { ...EMPTY, workspace: { id: 'ws_b', state: 'disabled', ...UNNARROWED } }],
  });
  expect(Object.keys(snapshot.workspaces['ws_a']?.providers ?? {})).toEqual(['sandbox']);
  expect(Object.keys(snapshot.workspaces['ws_b']?.providers ?? {})).toEqual(['sandbox']);
  expect(snapshot.workspaces['ws_a']?.providers['sandbox']).toMatchObject({ transport: 'in-process', credentials: [] });
  expect(snapshot.workspaces['ws_b']?.state).toBe('disabled');
  expect(snapshot.gateway).toEqual(GATEWAY_DEFAULTS);
  expect([snapshot.version, warnings]).toEqual([3, []]);
});

test('every built-in provider with a variable of its own is switched on by it, in the first workspace only', () => {
  for (const builtIn of PROVIDERS.filter((provider) => provider.secretEnv !== null)) {
    const settings = Object.values(builtIn.settings ?? {}).map((setting) => [setting.env ?? '', 'x'] as const);
    const env: CompileInput['env'] = Object.fromEntries([...settings, [String(builtIn.secretEnv), ' sk-env\n']]);
    const { snapshot, providers } = compiled({
      env,
      workspaces: [EMPTY, { ...EMPTY, workspace: { id: 'ws_b', state: 'active', ...UNNARROWED } }],
    });
    expect(providers[builtIn.id]).toMatchObject({
      transport: 'http',
      credentials: [{ id: `env:${builtIn.secretEnv}`, secret: 'sk-env', weight: 1, ...PLAIN }],
      models: builtIn.models,
    });
    expect(Object.keys(providers[builtIn.id]?.endpoints ?? {})).toEqual(Object.keys(builtIn.endpoints));
    expect(snapshot.workspaces['ws_b']?.providers[builtIn.id]).toBeUndefined();
  }
});

test('a pool comes from the file, else from the API, else from the environment', () => {
  const env = { OPENAI_API_KEY: 'sk-env' };
  const credential = {
    id: 'cred_1',
    providerId: 'openai',
    weight: 2,
    ...PLAIN,
    state: 'active',
    secret: 'sk-api',
  } as const;
  const workspaces = [
    { ...EMPTY, credentials: [credential, { ...credential, id: 'cred_2', state: 'disabled' as const }] },
  ];
  const yaml = 'providers: { openai: { credentials: [{ secret: sk-1, weight: 3 }, { secret: sk-2, name: second }] } }';
  expect(compiled({ env, workspaces, yaml }).providers['openai']?.credentials).toEqual([
    { id: 'file:openai:0', secret: 'sk-1', weight: 3, ...PLAIN },
    { id: 'file:openai:second', secret: 'sk-2', weight: 1, ...PLAIN },
  ]);
  expect(compiled({ env, workspaces }).providers['openai']?.credentials).toEqual([
    { id: 'cred_1', secret: 'sk-api', weight: 2, ...PLAIN },
  ]);
  expect(compiled({ env }).providers['openai']?.credentials).toEqual([
    { id: 'env:OPENAI_API_KEY', secret: 'sk-env', weight: 1, ...PLAIN },
  ]);
});

test("a base URL of one's own replaces the endpoint of every dialect of a built-in provider", () => {
  const env = { OPENAI_API_KEY: 'x', GEMINI_API_KEY: 'x' };
  const yaml =
    'providers: { openai: { baseUrl: "http://127.0.0.1:9100/api/v1/" }, gemini: { baseUrl: "http://127.0.0.1:9102" } }';
  const { providers } = compiled({ env, yaml });
  for (const dialect of ['openai', 'openai-responses'] as const) {
    expect(providers['openai']?.endpoints[dialect]).toMatchObject({
      origin: 'http://127.0.0.1:9100',
      pathPrefix: '/api/v1',
    });
  }
  expect(providers['openai']?.endpoints['openai']?.asksUsage).toBe(true);
  expect(providers['openai']?.endpoints['openai-responses']?.asksUsage).toBe(false);
  expect(providers['gemini']?.endpoints['gemini']).toMatchObject({ origin: 'http://127.0.0.1:9102', pathPrefix: '' });
  expect(providers['gemini']?.endpoints['openai']).toMatchObject({
    origin: 'http://127.0.0.1:9102',
    pathPrefix: '/v1beta/openai',
  });
});

test("a provider of one's own speaks the dialects that were declared, and no others", () => {
  const { providers } = compiled({
    yaml: `
providers:
  house: { dialect: openai, baseUrl: "http://127.0.0.1:9100/v1", credentials: [{ secret: x }], models: [{ id: tiny }, big] }
  both: { dialect: [openai, openai-responses], baseUrl: "https://h:8443" , credentials: [{ secret: x }] }
  claude: { dialect: anthropic, baseUrl: "http://h", credentials: [{ secret: x }] }
`,
  });
  expect(providers['house']).toEqual({
    id: 'house',
    prices: {},
    traits: {},
    transport: 'http',
    endpoints: {
      openai: {
        origin: 'http://127.0.0.1:9100',
        pathPrefix: '/v1',
        authHeader: 'authorization',
        authPrefix: 'Bearer ',
        asksUsage: true,
        headers: [],
      },
    },
    credentials: [{ id: 'file:house:0', secret: 'x', weight: 1, ...PLAIN }],
    models: ['tiny', 'big'],
  });
  expect(Object.keys(providers['both']?.endpoints ?? {})).toEqual(['openai', 'openai-responses']);
  expect(providers['claude']?.endpoints['anthropic']).toMatchObject({
    authHeader: 'x-api-key',
    headers: ['anthropic-version', '2023-06-01'],
  });
});

test('a local server without credentials is sent no auth header; one whose credentials are disabled keeps it', () => {
  const yaml = 'providers: { local: { dialect: openai, baseUrl: "http://127.0.0.1:11434/v1" } }';
  expect(compiled({ yaml }).providers['local']).toMatchObject({
    credentials: [],
    endpoints: { openai: { authHeader: '' } },
  });
  const row = { id: 'stored', dialect: 'openai', baseUrl: 'http://h', state: 'active', models: [] } as const;
  const credential = { id: 'c', providerId: 'stored', weight: 1, ...PLAIN, state: 'disabled', secret: 'x' } as const;
  expect(
    compiled({ workspaces: [{ ...EMPTY, providers: [row] }] }).providers['stored']?.endpoints['openai']?.authHeader,
  ).toBe('');
  expect(
    compiled({ workspaces: [{ ...EMPTY, providers: [row], credentials: [credential] }] }).providers['stored'],
  ).toMatchObject({ credentials: [], endpoints: { openai: { authHeader: 'authorization' } } });
});

test('a server on this machine is on once it is declared, and is sent a secret only where it was given one', () => {
  expect(compiled({}).providers['ollama']).toBeUndefined();
  const { providers, warnings } = compiled({
    yaml: 'providers: { ollama: {}, lmstudio: { baseUrl: "http://box:1234/v1", credentials: [{ secret: x }] } }',
  });
  expect(providers['ollama']).toMatchObject({
    credentials: [],
    endpoints: { openai: { origin: 'http://127.0.0.1:11434', pathPrefix: '/v1', authHeader: '' } },
  });
  expect(providers['lmstudio']?.endpoints).toMatchObject({
    openai: { origin: 'http://box:1234', pathPrefix: '/v1', authHeader: 'authorization' },
    anthropic: { origin: 'http://box:1234', pathPrefix: '', authHeader: 'x-api-key' },
  });
  expect(warnings).toEqual([]);
});

test('a provider whose URL lacks a setting is left out and says which, unless it has a base URL of its own', () => {
  const env = { AZURE_OPENAI_API_KEY: 'x', VERTEX_CREDENTIALS: 'x' };
  const { providers, warnings } = compiled({
    env,
    yaml: 'providers: { vertex: { baseUrl: "http://127.0.0.1:9100/v1/publishers/google" } }',
  });
  expect(providers['azure']).toBeUndefined();
  expect(providers['vertex']?.endpoints['gemini']?.origin).toBe('http://127.0.0.1:9100');
  expect(warnings).toEqual([
    'The provider azure is left out: it needs the name of the Azure resource, as in https://NAME.openai.azure.com: set providers.azure.settings.resource, or AZURE_OPENAI_RESOURCE in the environment.',
  ]);
});

test('settings fill the URL and the scope of the signature', () => {
  const { providers } = compiled({
    env: { AWS_BEARER_TOKEN_BEDROCK: 'x' },
    yaml: 'providers: { azure: { settings: { resource: acme }, credentials: [{ secret: x }] }, bedrock: { settings: { region: eu-north-1 } } }',
  });
  expect(providers['azure']?.endpoints['openai']).toMatchObject({
    origin: 'https://acme.openai.azure.com',
    pathPrefix: '/openai/v1',
    authHeader: 'api-key',
    maxTokensField: 'max_completion_tokens',
  });
  expect(providers['bedrock']?.endpoints['bedrock']).toMatchObject({
    origin: 'https://bedrock-runtime.eu-north-1.amazonaws.com',
    authHeader: 'authorization',
    authPrefix: 'Bearer ',
    signing: { kind: 'aws-sigv4', service: 'bedrock', region: 'eu-north-1' },
  });
});

test('an operator states prices with all that vendors make them depend on', () => {
  const { providers } = compiled({
    yaml: `
providers:
  house:
    dialect: openai
    baseUrl: http://h
    models:
      - id: tiny
        price:
          input: 1
          output: "2"
          cacheWrite1h: 3
          perRequest: 0.01
          perMillionCharacters: 15
          perAudioHour: 0.111
          audioSecondsMin: 10
          batch: 0.5
          tiers: [{ above: 200000, input: 2 }]
          changes: [{ from: 2027-01-01, input: 0.5, output: 1 }, { daily: { from: "16:30", to: "00:30" }, input: 0.25, output: 1 }]
`,
  });
  expect(providers['house']?.prices['tiny']).toEqual({
    input: 1e9,
    output: 2e9,
    cachedInput: 1e9,
    cacheWrite: 1e9,
    cacheWrite1h: 3e9,
    perRequest: 1e7,
    perMillionCharacters: 1.5e10,
    perAudioHour: 1.11e8,
    audioMsMin: 10_000,
    batchMillionths: 500_000,
    tiers: [
      { aboveInputTokens: 200_000, input: 2e9, output: 2e9, cachedInput: 2e9, cacheWrite: 2e9, cacheWrite1h: 3e9 },
    ],
    changes: [
      { fromMs: Date.UTC(2027, 0, 1), input: 5e8, output: 1e9, cachedInput: 5e8, cacheWrite: 5e8 },
      { daily: { from: 990, to: 30 }, input: 2.5e8, output: 1e9, cachedInput: 2.5e8, cacheWrite: 2.5e8 },
    ],
  });
});

test('what nobody states is known from the catalogue: models, prices and traits', () => {
  const catalogue = catalogueOf({
    openai: {
      big: { kind: 'chat', contextTokens: 1000, reasoning: true, price: { input: 2, output: 4 } },
      old: { listed: false, price: { input: 1, output: 1, changes: [{ from: '1970-01-01', input: 3, output: 3 }] } },
    },
    house: { tiny: { tools: false } },
  });
  const env = { OPENAI_API_KEY: 'x' };
  const bare = compiled({ catalogue, env }).providers['openai'];
  expect(bare?.models).toEqual(['big']);
  expect(bare?.prices['big']).toMatchObject({ input: 2e9, output: 4e9 });
  // What is past counts as it stands now.
  expect(bare?.prices['old']).toEqual({ input: 3e9, output: 3e9, cachedInput: 3e9, cacheWrite: 3e9 });
  expect(bare?.traits).toEqual({ big: { ...UNKNOWN_TRAITS, contextTokens: 1000, reasoning: true } });
  const { providers } = compiled({
    catalogue,
    env,
    yaml: `
providers:
  openai: { models: [{ id: big, price: { input: 9, output: 9 } }, mine] }
  house: { dialect: openai, baseUrl: "http://h" }
`,
  });
  expect(providers['openai']?.models).toEqual(['big', 'mine']);
  expect(providers['openai']?.prices).toMatchObject({ big: { input: 9e9 }, old: { input: 3e9 } });
  expect(providers['house']).toMatchObject({ models: ['tiny'], traits: { tiny: { tools: false, images: null } } });
  expect(compiled({ catalogue }).providers['openai']).toBeUndefined();
});

test('rows of the API add and adjust providers, except those that the file declares', () => {
  const env = { OPENAI_API_KEY: 'x', MISTRAL_API_KEY: 'x' };
  const row = { dialect: null, baseUrl: 'http://row', state: 'active', models: [] } as const;
  const workspaces = [
    {
      ...EMPTY,
      providers: [
        { ...row, id: 'openai', models: ['only'] },
        { ...row, id: 'mistral', state: 'disabled' as const },
      ],
    },
  ];
  expect(compiled({ env, workspaces }).providers['openai']).toMatchObject({
    models: ['only'],
    endpoints: { openai: { origin: 'http://row' } },
  });
  expect(compiled({ env, workspaces }).providers['mistral']).toBeUndefined();
  const declared = compiled({ env, workspaces, yaml: 'providers: { openai: {}, mistral: {} }' });
  expect(declared.providers['openai']?.endpoints['openai']?.origin).toBe('https://api.openai.com');
  expect(declared.providers['mistral']).toBeDefined();
});

test('what cannot be used is left out with a sentence, and the rest goes on', () => {
  const row = { dialect: 'openai', baseUrl: 'http://h', state: 'active', models: [] } as const;
  const { providers, warnings } = compiled({
    yaml: 'providers: { openai: {} }\nmodels: { fast: { strategy: weighted, targets: [nowhere/x, sandbox/echo] } }',
    workspaces: [
      {
        ...EMPTY,
        providers: [
          { ...row, id: 'bad-url', baseUrl: 'https://u:hunter2@h' },
          { ...row, id: 'bad-dialect', dialect: 'soap' },
          { ...row, id: 'good' },
        ],
        aliases: [{ id: 'slow', targets: ['good/x', '__proto__/x'] }],
      },
    ],
  });
  expect(Object.keys(providers)).toEqual(['sandbox', 'openai', 'good']);
  expect(warnings).toEqual([
    'The provider openai is declared, but has no credential: calls to it are refused.',
    'The provider bad-url is left out: its base URL must not hold a user or password: put the secret under credentials.',
    'The provider bad-dialect is left out: it needs a base URL and a dialect of this version (openai, openai-responses, anthropic, gemini, bedrock, cohere, mistral, replicate).',
    'The alias fast names nowhere/x, but no provider of that name is switched on.',
    'The alias slow names __proto__/x, but no provider of that name is switched on.',
  ]);
  expect(warnings.join()).not.toContain('hunter2');
});

test('aliases of the file stand over stored ones, and both are told as what they are', () => {
  const workspaces = [
    {
      ...EMPTY,
      aliases: [
        { id: 'fast', targets: ['sandbox/stored'] },
        { id: 'slow', targets: ['sandbox/echo'] },
      ],
    },
  ];
  const { aliases, declared } = compiled({
    workspaces,
    yaml: 'models: { fast: { targets: [sandbox/file, { model: sandbox/second }] } }\nproviders: { sandbox: }',
  });
  expect(aliases).toEqual({
    fast: { ...ROUTE_DEFAULTS, targets: [target('sandbox/file'), target('sandbox/second')] },
    slow: { ...ROUTE_DEFAULTS, targets: [target('sandbox/echo')] },
  });
  expect(declared).toEqual({ providers: ['sandbox'], aliases: ['fast'] });
});

test('gateway settings of the file replace the defaults one by one, and applications are carried over', () => {
  const application = applicationState({ ownerId: 'per_1', teamId: 'team_1' });
  const { snapshot } = compiled({
    yaml: 'gateway: { idleTimeoutMs: 5 }',
    workspaces: [{ ...EMPTY, applications: [{ ...application, ...{ name: 'not in the snapshot' } }] }],
  });
  expect(snapshot.gateway).toEqual({ ...GATEWAY_DEFAULTS, idleTimeoutMs: 5 });
  expect(snapshot.workspaces['ws_a']?.applications).toEqual({
    app_1: application,
  });
  expect(structuredClone(snapshot)).toEqual(snapshot);
});

test('what has constraints of a newer version stands still, and the operator is told', () => {
  const { snapshot, warnings } = compiled({
    workspaces: [
      {
        ...EMPTY,
        applications: [applicationState({ scopes: { ...UNNARROWED.scopes, ...{ moons: ['full'] } } })],
        teams: [teamState({ limits: { ...UNNARROWED.limits, concurrency: 0.5 } })],
      },
    ],
  });
  expect(snapshot.workspaces['ws_a']?.applications['app_1']?.state).toBe('disabled');
  expect(snapshot.workspaces['ws_a']?.teams['team_1']?.state).toBe('disabled');
  expect(warnings).toHaveLength(2);
});

test('a name is as old as its first appearance, whatever comes and goes after it', () => {
  const yaml = 'models: { fast: { targets: [sandbox/echo] } }';
  const first = compiled({ yaml });
  expect(first.newNames['ws_a']).toContain('fast');
  expect(first.newNames['ws_a']).toContain('sandbox/');
  expect(first.newNames['ws_a']).toContain('sandbox/echo');
  const later = compiled({ yaml, nowMs: 9, workspaces: [{ ...EMPTY, catalogue: { fast: 5, 'sandbox/': 5 } }] });
  expect(later.newNames['ws_a']).not.toContain('fast');
  expect(later.snapshot.workspaces['ws_a']?.catalogueSinceMs).toMatchObject({
    fast: 5,
    'sandbox/': 5,
    'sandbox/echo': 9,
  });
});
