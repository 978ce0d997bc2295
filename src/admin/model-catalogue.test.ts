import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtInCatalogue } from '../providers/catalogue/catalogue.ts';
import { ModelCatalogue } from './model-catalogue.ts';

const URL_NAMED = 'https://models.example.com/catalogue.json';
const OWN = { providers: { openai: { 'gpt-4o': { price: { input: 9, output: 9 } }, mine: {} }, house: { tiny: {} } } };

let folder = '';
const warnings: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-catalogue-'));
  warnings.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

function catalogue(fetchText?: () => Promise<{ readonly text: string } | { readonly problem: string }>) {
  return new ModelCatalogue({
    clock: { now: () => 7 },
    warn: (sentence) => warnings.push(sentence),
    keptPath: join(folder, 'kept.json'),
    ...(fetchText && { fetchText }),
  });
}

function file(text: string): string {
  const path = join(folder, 'own.json');
  writeFileSync(path, text);
  return path;
}

test('without a source the catalogue that the product ships is in use', async () => {
  const models = catalogue();
  models.follow(null);
  expect(models.models('openai')).toBe(builtInCatalogue('openai'));
  expect(await models.refresh()).toMatchObject({ source: null, state: 'built-in', models: 0 });
});

test('a file is read when it is named, over what the product ships, and anew when it is asked for', async () => {
  const models = catalogue();
  const path = file(JSON.stringify(OWN));
  models.follow(path);
  expect(models.status()).toEqual({ source: path, state: 'applied', appliedAtMs: 7, error: null, models: 3 });
  expect(models.models('openai')).toMatchObject({
    mine: {},
    'gpt-4o': { price: { input: 9 } },
    'gpt-4.1': { kind: 'chat' },
  });
  expect(models.models('house')).toEqual({ tiny: {} });
  file('{"providers":{"house":{"other":{}}}}');
  models.follow(path);
  expect(Object.keys(models.models('house'))).toEqual(['tiny']);
  await models.refresh();
  expect(Object.keys(models.models('house'))).toEqual(['other']);
  models.follow(null);
  expect(models.models('house')).toEqual({});
});

test.each([
  ['not json', 'The catalogue is not JSON.'],
  ['{"providers":{"house":{"tiny":{"price":{"input":-1,"output":1}}}}}', 'providers → house → tiny → price → input'],
  ['{"models":{}}', 'has not the form'],
])('what cannot be used changes nothing, and the status says why: %s', async (text, why) => {
  const models = catalogue();
  const path = file(JSON.stringify(OWN));
  models.follow(path);
  file(text);
  expect(await models.refresh()).toMatchObject({
    state: 'rejected',
    error: expect.stringContaining(why) as string,
    models: 3,
  });
  expect(models.models('house')).toEqual({ tiny: {} });
  models.follow(join(folder, 'nowhere.json'));
  expect(models.status()).toMatchObject({
    state: 'rejected',
    error: 'The file of the catalogue cannot be read (ENOENT).',
  });
  expect(models.models('house')).toEqual({ tiny: {} });
  expect(warnings).toHaveLength(2);
});

test('a URL is read only when somebody asks for it, and what it held is kept over a restart', async () => {
  let asked = 0;
  const fetchText = async () => {
    asked += 1;
    return asked === 1 ? { text: JSON.stringify(OWN) } : { problem: 'was answered with status 500' };
  };
  const first = catalogue(fetchText);
  first.follow(URL_NAMED);
  expect([asked, first.status().state, first.models('house')]).toEqual([0, 'not-read', {}]);
  expect(await Promise.all([first.refresh(), first.refresh()])).toMatchObject([
    { state: 'applied' },
    { state: 'applied' },
  ]);
  expect(asked).toBe(1);
  expect(await first.refresh()).toMatchObject({
    state: 'rejected',
    error: 'The URL of the catalogue was answered with status 500.',
  });
  expect(first.models('house')).toEqual({ tiny: {} });

  const restarted = catalogue(fetchText);
  restarted.follow(URL_NAMED);
  expect([asked, restarted.status().state, restarted.models('house')]).toEqual([2, 'applied', { tiny: {} }]);
  const elsewhere = catalogue(fetchText);
  elsewhere.follow(`${URL_NAMED}?other`);
  expect([elsewhere.status().state, elsewhere.models('house')]).toEqual(['not-read', {}]);
});
