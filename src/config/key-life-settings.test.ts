import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { keyLifeSettings } from './key-life-settings.ts';
import { loadConfig } from './load.ts';

function load(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'keyward.yaml');
  writeFileSync(path, text);
  return loadConfig(path, {});
}

test('without a file notices come 30, 7 and 1 days before, keys are idle after 90, and webhooks stay outside', () => {
  expect(keyLifeSettings(null)).toEqual({
    expiryNoticeDays: [30, 7, 1],
    idleAfterDays: 90,
    budgetAlertPercents: [80, 95],
    temporaryKeptDays: 7,
    allowPrivateWebhooks: false,
    adminUrl: null,
  });
});

test('the file sets all of it, days in any order', () => {
  const result = load(`
keys: { expiryNoticeDays: [2, 14, 2], idleAfterDays: 30, budgetAlertPercents: [90, 50, 90], temporaryKeptDays: 1 }
webhooks: { allowPrivate: true }
listen: { adminUrl: "https://keyward.example.com/" }
`);
  expect(result.ok && keyLifeSettings(result.config)).toEqual({
    expiryNoticeDays: [14, 2],
    idleAfterDays: 30,
    budgetAlertPercents: [50, 90],
    temporaryKeptDays: 1,
    allowPrivateWebhooks: true,
    adminUrl: 'https://keyward.example.com',
  });
});

test.each(['keys: { expiryNoticeDays: [0] }', 'keys: { idle: 3 }', 'listen: { adminUrl: "keyward" }'])(
  'a mistake is refused: %s',
  (text) => {
    expect(load(text).ok).toBe(false);
  },
);
