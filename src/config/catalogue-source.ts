/** An operator's own catalogue of models: a file, or what a URL holds. */
import { readFileSync, statSync } from 'node:fs';
import type { CatalogueModels } from '../providers/catalogue/entry.ts';
import { catalogueSchema } from './catalogue-schema.ts';

/** The largest catalogue that is read. */
export const CATALOGUE_BYTES_MAX = 32 * 1024 * 1024;

export type CatalogueResult =
  | {
      readonly ok: true;
      readonly providers: Readonly<Record<string, CatalogueModels>>;
      /** Of a copy that was kept: the URL it came from. */
      readonly source: string | null;
    }
  /** The problem is a public sentence. */
  | { readonly ok: false; readonly problem: string };

export function isUrl(source: string): boolean {
  return source.startsWith('https://');
}

export function readCatalogueFile(path: string): CatalogueResult {
  let text: string;
  try {
    if (statSync(path).size > CATALOGUE_BYTES_MAX) return refused('The file of the catalogue is larger than 32 MiB.');
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return refused(`The file of the catalogue cannot be read (${code}).`);
  }
  return parseCatalogue(text);
}

/** Checks the text of a catalogue: all of it or nothing. */
export function parseCatalogue(text: string): CatalogueResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused('The catalogue is not JSON.'); // what JSON.parse throws repeats a part of the text
  }
  const parsed = catalogueSchema.safeParse(value);
  if (parsed.success) {
    const { providers, source = null } = parsed.data;
    return { ok: true, providers, source };
  }
  const [first] = parsed.error.issues;
  const place = first?.path.map(String).join(' → ') ?? '';
  const where = place === '' ? 'The catalogue' : `The catalogue at ${place.slice(0, 300)}`;
  return refused(`${where} has not the form it must have: ${first?.message ?? 'unknown'}.`);
}

function refused(problem: string): CatalogueResult {
  return { ok: false, problem };
}
