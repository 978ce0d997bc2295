import { readFileSync } from 'node:fs';
import type { ConfigIssue } from './config-issues.ts';
import type { ParsedConfig, ProviderConfig } from './schema.ts';

/** Of a key file in PEM or JSON, with room to spare. */
const SECRET_BYTES_MAX = 16_384;

type Fetched = { readonly ok: true; readonly secret: string } | { readonly ok: false; readonly reason: string };

/**
 * Puts the secrets of credentials in the place of what only names them: `env:NAME` an environment
 * variable, `file:/path` a file, as secrets are mounted into containers. Never repeats a secret.
 */
export function fetchSecrets(
  config: ParsedConfig,
  env: Readonly<Record<string, string | undefined>>,
): { readonly config: ParsedConfig; readonly issues: readonly ConfigIssue[] } {
  const issues: ConfigIssue[] = [];
  const providers = Object.entries(config.providers ?? {}).map(([id, entry]): readonly [string, ProviderConfig] => {
    if (entry.credentials === undefined) return [id, entry];
    const credentials = entry.credentials.map((credential, index) => {
      const fetched = fetchSecret(credential.secret, env);
      if (fetched.ok) return { ...credential, secret: fetched.secret };
      const path = ['providers', id, 'credentials', index, 'secret'];
      issues.push({ path, message: fetched.reason, atKey: false });
      return credential;
    });
    return [id, { ...entry, credentials }];
  });
  const fetched = config.providers === undefined ? config : { ...config, providers: Object.fromEntries(providers) };
  return { config: fetched, issues };
}

function fetchSecret(text: string, env: Readonly<Record<string, string | undefined>>): Fetched {
  const [, from, name] = /^(env|file):(.+)$/.exec(text) ?? [];
  if (name === undefined) return { ok: true, secret: text };
  const found = from === 'env' ? env[name] : contentOf(name);
  const where = from === 'env' ? `the environment variable ${name}` : 'a file';
  if (found === undefined) return { ok: false, reason: `names ${where}, which is not there or cannot be read` };
  const secret = oneLine(found.trim());
  if (secret === '' || secret.length > SECRET_BYTES_MAX || !/^[\x20-\x7e]+$/.test(secret)) {
    return { ok: false, reason: `names ${where} that does not hold one line of printable ASCII` };
  }
  return { ok: true, secret };
}

/** A service account comes as a file of JSON over many lines. */
function oneLine(found: string): string {
  if (!found.startsWith('{')) return found;
  try {
    return JSON.stringify(JSON.parse(found));
  } catch {
    return found; // no JSON: refused for its lines, if it has several
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // told as an issue, with its line
  }
}
