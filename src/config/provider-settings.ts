/** What a built-in provider's URLs leave open, filled in from the file, the environment and defaults. */
import type { Provider, ProviderEndpoint, ProviderSetting } from '../providers/provider.ts';

/** What may stand in a host or between two slashes of a path. */
export const SETTING_VALUE = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/;

export type SettingValues = ReadonlyMap<string, string>;

export type SettingsResult =
  | { readonly ok: true; readonly values: SettingValues }
  /** The reason is a public sentence without its full stop: what is missing and where to put it. */
  | { readonly ok: false; readonly reason: string };

interface SettingSources {
  /** Of the file. */
  readonly given: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The values of all settings of a provider: of the file, else of the environment, else the default. */
export function settingsOf({ id, settings = {} }: Provider, { given, env }: SettingSources): SettingsResult {
  const values = new Map<string, string>();
  for (const [name, setting] of Object.entries(settings)) {
    const value = (Object.hasOwn(given, name) ? given[name] : undefined) ?? fromEnv(setting, env) ?? setting.default;
    if (value === null) return { ok: false, reason: missing(id, name, setting) };
    if (!SETTING_VALUE.test(value)) {
      return { ok: false, reason: `its setting ${name} (${setting.what}) has characters that no URL's part may have` };
    }
    values.set(name, value);
  }
  return { ok: true, values };
}

function fromEnv({ env: name }: ProviderSetting, env: SettingSources['env']): string | null {
  const value = name === null ? undefined : env[name]?.trim();
  return value === undefined || value === '' ? null : value;
}

function missing(id: string, name: string, { what, env }: ProviderSetting): string {
  const or = env === null ? '' : `, or ${env} in the environment`;
  return `it needs ${what}: set providers.${id}.settings.${name}${or}`;
}

/** The endpoint with every `{name}` of its URL and its signature's scope filled in. */
export function fillEndpoint(endpoint: ProviderEndpoint, values: SettingValues): ProviderEndpoint {
  const { baseUrl, baseUrlWhere, auth, ...rest } = endpoint;
  const chosen = baseUrlWhere?.is[values.get(baseUrlWhere.setting) ?? ''];
  return { ...rest, baseUrl: fill(chosen ?? baseUrl, values), auth: fillAuth(auth, values) };
}

function fillAuth(auth: ProviderEndpoint['auth'], values: SettingValues): ProviderEndpoint['auth'] {
  return auth.kind === 'aws-sigv4' ? { ...auth, region: fill(auth.region, values) } : auth;
}

function fill(template: string, values: SettingValues): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => values.get(name) ?? whole);
}
