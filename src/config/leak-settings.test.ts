import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { leakSettings } from './leak-settings.ts';
import { configSchema } from './schema.ts';

const pemOf = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ type: 'spki', format: 'pem' }).toString();

const withKey = (pem: string) => ({ leaks: { github: { keys: { id1: pem } } } });

test('without a file nobody may report leaked keys', () => {
  expect(leakSettings(null)).toEqual({ githubKeys: {}, secrets: [] });
});

test('keys on P-256 and secrets of 32 characters are taken, others refused', () => {
  const pem = pemOf('P-256');
  expect(leakSettings(configSchema.parse(withKey(pem)))).toEqual({ githubKeys: { id1: pem }, secrets: [] });
  for (const wrong of [pemOf('P-384'), 'no key']) expect(configSchema.safeParse(withKey(wrong)).success).toBe(false);
  const secrets = (length: number) => ({ leaks: { report: { secrets: ['s'.repeat(length)] } } });
  expect([configSchema.safeParse(secrets(31)).success, configSchema.safeParse(secrets(32)).success]).toEqual([
    false,
    true,
  ]);
});
