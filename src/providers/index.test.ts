import { describe, expect, test } from 'vitest';
import type { DialectName } from '../llm/dialect.ts';
import { IN_PROCESS_HANDLERS } from './in-process-handlers.ts';
import { PROVIDERS, providerById } from './index.ts';
import type { Provider, ProviderEndpoint } from './provider.ts';

const DIALECT_NAMES: Readonly<Record<DialectName, true>> = {
  openai: true,
  'openai-responses': true,
  anthropic: true,
  gemini: true,
  bedrock: true,
  cohere: true,
  mistral: true,
  replicate: true,
};

function urlsOf({ baseUrl, baseUrlWhere }: ProviderEndpoint): readonly string[] {
  return [baseUrl, ...Object.values(baseUrlWhere?.is ?? {})];
}

function placeholdersOf(endpoint: ProviderEndpoint): readonly string[] {
  const { auth, baseUrlWhere } = endpoint;
  const texts = [...urlsOf(endpoint), auth.kind === 'aws-sigv4' ? auth.region : ''];
  const names = texts.flatMap((text) => Array.from(text.matchAll(/\{(\w+)\}/g), (match) => match[1] ?? ''));
  return baseUrlWhere === undefined ? names : [...names, baseUrlWhere.setting];
}

function isLocal({ transport, secretEnv }: Provider): boolean {
  return transport === 'http' && secretEnv === null;
}

test('there are more than fifty; their ids are unique, and fit in a model name', () => {
  expect(PROVIDERS.length).toBeGreaterThan(50);
  expect(new Set(PROVIDERS.map(({ id }) => id)).size).toBe(PROVIDERS.length);
  for (const { id } of PROVIDERS) expect(id).toMatch(/^[a-z][a-z0-9-]*$/);
  expect(providerById('anthropic')?.name).toBe('Anthropic');
  expect(providerById('nope')).toBeUndefined();
});

test('no two providers are switched on by the same variable', () => {
  const names = PROVIDERS.flatMap(({ secretEnv }) => (secretEnv === null ? [] : [secretEnv]));
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[A-Z][A-Z0-9_]*$/);
});

describe.each(PROVIDERS)('$id', (provider) => {
  const endpoints = Object.entries(provider.endpoints);

  test('has endpoints for known dialects, with plain base URLs and lower-case header names', () => {
    expect(endpoints.length).toBeGreaterThan(0);
    for (const [dialect, endpoint] of endpoints) {
      expect(Object.keys(DIALECT_NAMES)).toContain(dialect);
      for (const text of urlsOf(endpoint)) {
        const url = new URL(text.replaceAll(/\{\w+\}/g, 'x'));
        expect(url.search + url.hash + url.username).toBe('');
        expect(text.endsWith('/')).toBe(false);
      }
      for (const name of [endpoint.auth.header, ...Object.keys(endpoint.headers)])
        expect(name).toBe(name.toLowerCase());
    }
  });

  test('is reached over TLS with a secret, or is a server on this machine, or answers in process', () => {
    const inProcess = provider.transport === 'in-process';
    expect(IN_PROCESS_HANDLERS[provider.id] !== undefined).toBe(inProcess);
    if (inProcess) expect(provider.secretEnv).toBeNull();
    for (const [, endpoint] of endpoints) {
      const origin = inProcess ? 'http://sandbox.invalid' : isLocal(provider) ? 'http://127.0.0.1:' : 'https://';
      for (const url of urlsOf(endpoint)) expect(url.startsWith(origin)).toBe(true);
      expect(endpoint.auth.header === '').toBe(inProcess);
    }
  });

  test('has a setting for whatever its URLs leave open, and no other', () => {
    const open = new Set(endpoints.flatMap(([, endpoint]) => placeholdersOf(endpoint)));
    expect(Object.keys(provider.settings ?? {}).toSorted()).toEqual([...open].toSorted());
    for (const setting of Object.values(provider.settings ?? {})) expect(setting.what).not.toBe('');
  });

  test('lists models once each', () => {
    expect(new Set(provider.models).size).toBe(provider.models.length);
  });
});
