import { providerById } from '../providers/index.ts';
import { parseBaseUrl } from './base-url.ts';
import type { ConfigIssue, ConfigPath } from './config-issues.ts';
import type { ParsedConfig, ProviderConfig } from './schema.ts';

/** What the form of the file cannot say: how settings depend on each other. */
export function checkConfig(config: ParsedConfig): readonly ConfigIssue[] {
  const providers = Object.entries(config.providers ?? {}).flatMap(([id, entry]) => checkProvider(id, entry));
  const aliases = Object.entries(config.models ?? {}).flatMap(([id, alias]) =>
    alias.targets.flatMap((target, index) =>
      checkTarget(typeof target === 'string' ? target : target.model, id, config.models ?? {}, [
        ...['models', id, 'targets'],
        index,
      ]),
    ),
  );
  return [...providers, ...aliases];
}

function checkProvider(id: string, entry: ProviderConfig): readonly ConfigIssue[] {
  const path = ['providers', id];
  const builtIn = providerById(id);
  const found: ConfigIssue[] = [];
  if (entry.baseUrl !== undefined) {
    const url = parseBaseUrl(entry.baseUrl);
    if (!url.ok) found.push(at([...path, 'baseUrl'], url.reason));
  }
  for (const name of Object.keys(entry.settings ?? {})) {
    const known = Object.keys(builtIn?.settings ?? {});
    if (!known.includes(name)) found.push(at([...path, 'settings', name], noSuchSetting(known)));
  }
  if (builtIn === undefined) {
    if (entry.dialect === undefined) {
      found.push(at(path, 'is not a built-in provider, so it needs "dialect": the wire format it speaks'));
    }
    if (entry.baseUrl === undefined) found.push(at(path, 'is not a built-in provider, so it needs "baseUrl"'));
    return found;
  }
  if (entry.dialect !== undefined) {
    found.push(at([...path, 'dialect'], 'is known for a built-in provider; choose another name for one of your own'));
  }
  if (builtIn.transport === 'in-process' && (entry.baseUrl !== undefined || entry.credentials !== undefined)) {
    found.push(at(path, 'answers inside the gateway: it takes neither "baseUrl" nor "credentials"'));
  }
  return found;
}

function noSuchSetting(known: readonly string[]): string {
  return known.length === 0
    ? 'is not a setting: this provider has none'
    : `is not a setting of this provider; it has ${known.join(' and ')}`;
}

function checkTarget(target: string, alias: string, aliases: object, path: ConfigPath): readonly ConfigIssue[] {
  const fault = targetFault(target, alias, (name) => Object.hasOwn(aliases, name));
  return fault === null ? [] : [at(path, fault)];
}

/** Why an alias may not have such a target, as a sentence's end; null: it may. */
export function targetFault(target: string, alias: string, isAlias: (name: string) => boolean): string | null {
  if (target.includes('*') && !alias.includes('*')) {
    return 'holds a "*", which stands for what the "*" in the name of the alias does: this one has none';
  }
  return /^[^/\s]+\/\S+$/.test(target) || isAlias(target)
    ? null
    : 'must be a model as provider/name, for example openai/gpt-4o-mini, or another alias';
}

function at(path: ConfigPath, message: string): ConfigIssue {
  return { path, message, atKey: false };
}
