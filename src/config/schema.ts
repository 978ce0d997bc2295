/** The form of `keyward.yaml`. Unknown settings are refused: a mistyped one must not be silently nothing. */
import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { DIALECT_NAMES } from '../llm/dialect.ts';
import { alias, aliasId } from './alias-schema.ts';
import { flag, wholeNumber } from './numeral-schema.ts';
import { statedPrice } from './price-schema.ts';
import { SETTING_VALUE } from './provider-settings.ts';
import { duration, modelName, priority, text, weight } from './schema-fields.ts';
import type { GatewaySettings } from './snapshot.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** What holds where the file says nothing. */
export const GATEWAY_DEFAULTS: GatewaySettings = {
  bodyBytesMax: 32 * MIB,
  connectTimeoutMs: 5_000,
  firstByteTimeoutMs: 300_000,
  idleTimeoutMs: 120_000,
  answerBytesMax: 256 * MIB,
  allowKeyInQuery: false,
  trustedProxyHops: 0,
  countryHeader: null,
  upstreamConnectionsMax: 256,
  outputTokensAssumed: 4096,
  fetchMedia: 'public',
  mediaBytesMax: 20 * MIB,
  cacheBytesMax: 0,
  cacheTtlMs: 3_600_000,
  retries: 1,
  translation: 'warn',
  streamPingMs: 15_000,
  activeHealth: true,
  drainTimeoutMs: 30_000,
};

/** The wire formats that a provider of one's own may speak. */
export { DIALECT_NAMES };

/** Levels of the program's own log. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const size = wholeNumber(KIB, 4 * KIB * MIB);

const providerId = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens, and begin with a letter or digit');
const modelPattern = modelName.regex(/^[^*]*\*?[^*]*$/, 'must hold at most one "*"');

const credential = z.strictObject({
  secret: text.max(16 * KIB).regex(/^[\x20-\x7e]+$/, 'must be printable ASCII, as it is sent in a header'),
  weight: weight.optional(),
  priority: priority.optional(),
  models: z.array(modelPattern).min(1).max(100).optional(),
  name: text.max(100).optional(),
});

const model = z.union([
  modelName,
  z.strictObject({
    id: modelName,
    price: statedPrice.optional(),
  }),
]);

const dialect = z.enum(DIALECT_NAMES);

const provider = z.strictObject({
  dialect: z.union([dialect, z.array(dialect).min(1)]).optional(),
  baseUrl: text.max(2048).optional(),
  credentials: z.array(credential).min(1).max(1000).optional(),
  models: z.array(model).max(10_000).optional(),
  settings: z
    .record(
      z.string().max(64),
      z.preprocess(
        (value) => (typeof value === 'number' ? String(value) : value),
        z.string().regex(SETTING_VALUE, 'must be a part of a URL: letters, digits, ".", "_", ":" or "-"'),
      ),
    )
    .optional(),
});

const gateway = z.strictObject({
  bodyBytesMax: size.optional(),
  connectTimeoutMs: duration.optional(),
  firstByteTimeoutMs: duration.optional(),
  idleTimeoutMs: duration.optional(),
  answerBytesMax: size.optional(),
  allowKeyInQuery: flag.optional(),
  trustedProxyHops: wholeNumber(0, 100).optional(),
  countryHeader: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header, such as cf-ipcountry')
    .transform((name) => name.toLowerCase())
    .optional(),
  upstreamConnectionsMax: wholeNumber(1, 100_000).optional(),
  outputTokensAssumed: wholeNumber(1, 10_000_000).optional(),
  fetchMedia: z.enum(['public', 'any', 'off']).optional(),
  mediaBytesMax: size.optional(),
  cacheBytesMax: wholeNumber(0, 16 * KIB * MIB).optional(),
  cacheTtlMs: wholeNumber(1, 30 * 86_400_000).optional(),
  retries: wholeNumber(0, 10).optional(),
  translation: z.enum(['warn', 'refuse']).optional(),
  streamPingMs: wholeNumber(0, 3_600_000).optional(),
  activeHealth: flag.optional(),
  drainTimeoutMs: duration.optional(),
} satisfies Record<keyof GatewaySettings, z.ZodType>);

const days = wholeNumber(1, 3650);

const keys = z.strictObject({
  expiryNoticeDays: z.array(days).max(10).optional(),
  idleAfterDays: days.optional(),
  budgetAlertPercents: z.array(wholeNumber(1, 100)).max(10).optional(),
  temporaryKeptDays: days.optional(),
});

const webhooks = z.strictObject({ allowPrivate: flag.optional() });

const leaks = z.strictObject({
  github: z
    .strictObject({
      keys: z.record(
        z.string().regex(/^[0-9A-Za-z_-]{1,128}$/, 'must be the identifier of a key, as GitHub sends it'),
        z.string().max(4096).refine(isP256, 'must be the PEM of a public key on P-256'),
      ),
    })
    .optional(),
  report: z.strictObject({ secrets: z.array(z.string().min(32).max(512)).min(1).max(10) }).optional(),
});

function isP256(pem: string): boolean {
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false; // what it throws for a text that is no key
  }
}

const catalogue = z.strictObject({
  source: text
    .max(2048)
    .refine(
      (source) => !/^[a-z]+:\/\//i.test(source) || isHttps(source),
      'must be the path of a file, or an https URL',
    ),
});

function isHttps(source: string): boolean {
  return URL.parse(source)?.protocol === 'https:';
}

const port = wholeNumber(0, 65_535);

const listen = z.strictObject({
  host: text.max(255).optional(),
  port: port.optional(),
  adminPort: port.optional(),
  adminUrl: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as https://keyward.example.com' })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  tls: z.strictObject({ cert: text, key: text }).optional(),
});

/** `keyward.yaml` as a whole. */
export const configSchema = z.strictObject({
  providers: z
    .record(
      providerId,
      z.preprocess((value) => value ?? {}, provider),
    )
    .optional(),
  models: z.record(aliasId, alias).optional(),
  catalogue: catalogue.optional(),
  gateway: gateway.optional(),
  keys: keys.optional(),
  webhooks: webhooks.optional(),
  leaks: leaks.optional(),
  listen: listen.optional(),
  workers: wholeNumber(1, 256).optional(),
  logLevel: z.enum(LOG_LEVELS).optional(),
});

/** What a valid `keyward.yaml` says. Holds secrets. */
export type ParsedConfig = z.output<typeof configSchema>;
export type ProviderConfig = NonNullable<ParsedConfig['providers']>[string];
