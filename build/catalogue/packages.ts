/** The published packages that the catalogue is made of: fetched as npm has them, at exact versions, and never installed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** All three under the MIT licence: src/providers/catalogue/NOTICE.txt. */
const PACKAGES = {
  /** Prices with their history, tiers and kinds of tokens. */
  prices: '@pydantic/genai-prices@0.1.8',
  /** Models in use now, their limits, abilities and prices. */
  models: '@earendil-works/pi-ai@1.6.0',
  /** More vendors, and how reasoning is asked for. */
  abilities: '@oh-my-pi/pi-catalog@18.2.11',
} as const;

export type PackageFolders = Readonly<Record<keyof typeof PACKAGES, string>>;

/** Fetches the packages, hands over where they are, and removes them again. */
export async function withPackages<T>(use: (folders: PackageFolders) => Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'keyward-catalogue-'));
  try {
    return await use({
      prices: unpack(root, PACKAGES.prices),
      models: unpack(root, PACKAGES.models),
      abilities: unpack(root, PACKAGES.abilities),
    });
  } finally {
    rmSync(root, { recursive: true });
  }
}

function unpack(root: string, name: string): string {
  const folder = join(root, name.replaceAll(/[^a-z0-9]+/gi, '-'));
  mkdirSync(folder);
  const packed = execFileSync('npm', ['pack', name, '--silent', '--pack-destination', folder], { encoding: 'utf8' });
  execFileSync('tar', ['-xzf', join(folder, packed.trim()), '-C', folder]);
  return join(folder, 'package');
}
