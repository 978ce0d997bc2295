import { describe, expect, test } from 'vitest';
import { DIALECTS } from '../llm/index.ts';
import { IN_PROCESS_HANDLERS, PROVIDERS, providerById } from './index.ts';

test('provider ids are unique, and fit in a model name', () => {
  expect(new Set(PROVIDERS.map(({ id }) => id)).size).toBe(PROVIDERS.length);
  for (const { id } of PROVIDERS) expect(id).toMatch(/^[a-z][a-z0-9-]*$/);
  expect(providerById('anthropic')?.name).toBe('Anthropic');
  expect(providerById('nope')).toBeUndefined();
});

describe.each(PROVIDERS)('$id', (provider) => {
  test('has endpoints for known dialects, with plain base URLs and lower-case header names', () => {
    const endpoints = Object.entries(provider.endpoints);
    expect(endpoints.length).toBeGreaterThan(0);
    for (const [dialect, endpoint] of endpoints) {
      expect(Object.keys(DIALECTS)).toContain(dialect);
      const url = new URL(endpoint.baseUrl);
      expect(url.search + url.hash + url.username).toBe('');
      expect(endpoint.baseUrl.endsWith('/')).toBe(false);
      for (const name of [endpoint.auth.header, ...Object.keys(endpoint.headers)])
        expect(name).toBe(name.toLowerCase());
    }
  });

  test('is reached over TLS with a secret, or answers in process', () => {
    const inProcess = provider.transport === 'in-process';
    expect(IN_PROCESS_HANDLERS[provider.id] !== undefined).toBe(inProcess);
    expect(provider.secretEnv === null).toBe(inProcess);
    for (const { baseUrl, auth } of Object.values(provider.endpoints)) {
      expect(baseUrl.startsWith('https://')).toBe(!inProcess);
      expect(auth.header === '').toBe(inProcess);
    }
  });

  test('lists models once each', () => {
    expect(provider.models.length).toBeGreaterThan(0);
    expect(new Set(provider.models).size).toBe(provider.models.length);
  });
});
