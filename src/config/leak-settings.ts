import type { ParsedConfig } from './schema.ts';

/** Who may report leaked keys, and how each proves it. */
export interface LeakSettings {
  /** PEM of the keys that GitHub signs its reports with, by their identifiers. */
  readonly githubKeys: Readonly<Record<string, string>>;
  /** What other scanners sign with; each is accepted. Secret. */
  readonly secrets: readonly string[];
}

export function leakSettings(file: ParsedConfig | null): LeakSettings {
  return { githubKeys: file?.leaks?.github?.keys ?? {}, secrets: file?.leaks?.report?.secrets ?? [] };
}
