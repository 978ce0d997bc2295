/** What may be said of keys, parsed where it enters: the admin API's own fields, and real keys. */
import { z } from 'zod';
import { keyFields } from '../admin/resources/key-view.ts';
import { limitsInput, scopesInput } from '../admin/constraint-fields.ts';
import { overlapField } from '../admin/fields.ts';
import { invalidField, parseInput } from '../admin/validation.ts';
import { parseBaseUrl } from '../config/base-url.ts';
import type { AppError } from '../errors.ts';
import { TOKEN } from '../lib/http1-syntax.ts';

const dollars = z.number().min(0).max(1_000_000);
const price = z.strictObject({
  input: dollars,
  output: dollars,
  cachedInput: dollars.exactOptional(),
  cacheWrite: dollars.exactOptional(),
});

/** The shorter, the more of an answer would look like it and be masked out of it. */
const SECRET_LENGTH_MIN = 8;

const newReal = z.strictObject({
  secret: z
    .string()
    .min(SECRET_LENGTH_MIN)
    .max(8192)
    .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII without spaces'),
  baseUrl: z.string().superRefine((text, ctx) => {
    const parsed = parseBaseUrl(text);
    if (!parsed.ok) ctx.addIssue({ code: 'custom', message: parsed.reason });
  }),
  /** Header that carries the secret; `authorization` with `Bearer ` unless given. */
  header: z
    .string()
    .max(100)
    .transform((name) => name.toLowerCase())
    .pipe(z.string().regex(TOKEN, 'must be the name of a header'))
    .exactOptional(),
  prefix: z
    .string()
    .max(100)
    .regex(/^[\x20-\x7e]*$/, 'must be visible ASCII')
    .exactOptional(),
  /** The provider's name in records and model scopes; its host unless given. */
  provider: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.:_-]{0,99}$/, 'must be lower-case letters, digits and . : _ -')
    .exactOptional(),
  /** USD per million tokens by model, `*` for any other: what budgets in USD need. */
  prices: z.record(z.string().min(1).max(256), price).exactOptional(),
});

/** A real key that other keys stand for already. */
const knownReal = z.strictObject({ id: z.string().min(1).max(100) });

const createInput = z.strictObject({
  name: keyFields.name,
  /** Parsed by {@link parseReal}: mistakes are told of the one form that was meant. */
  real: z.unknown().exactOptional(),
  environment: z.enum(['live', 'test']).default('live'),
  notBefore: keyFields.notBefore.exactOptional(),
  expiresAt: keyFields.expiresAt.exactOptional(),
  expiresIn: keyFields.expiresIn.exactOptional(),
  scopes: scopesInput.exactOptional(),
  limits: limitsInput.exactOptional(),
  tags: keyFields.tags.default([]),
});

const updateInput = z.strictObject({
  name: keyFields.name.exactOptional(),
  notBefore: keyFields.notBefore.exactOptional(),
  expiresAt: keyFields.expiresAt.exactOptional(),
  expiresIn: keyFields.expiresIn.exactOptional(),
  scopes: scopesInput.exactOptional(),
  limits: limitsInput.exactOptional(),
  tags: keyFields.tags.exactOptional(),
});

const mintInput = z.strictObject({
  ttl: z
    .string()
    .regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a duration such as 90s, 15m or 2h')
    .default('15m'),
  session: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be up to 200 visible ASCII characters')
    .exactOptional(),
  name: keyFields.name.exactOptional(),
  scopes: scopesInput.exactOptional(),
  limits: limitsInput.exactOptional(),
  tags: keyFields.tags.default([]),
});

const rotateInput = z.strictObject({
  overlap: overlapField.default('24h'),
  reason: z.string().trim().min(1).max(500).exactOptional(),
});

const stateInput = z.strictObject({ reason: z.string().trim().min(1).max(500).exactOptional() });

/** What an environment variable gives may be undefined: that is refused when it is, with a sentence. */
export type NewRealKey = Omit<z.input<typeof newReal>, 'secret'> & { readonly secret: string | undefined };
export type CreateKeyInput = Omit<z.input<typeof createInput>, 'real'> & {
  readonly real?: NewRealKey | z.input<typeof knownReal>;
};
export type UpdateKeyInput = z.input<typeof updateInput>;
export type MintKeyInput = z.input<typeof mintInput>;
export type RotateKeyInput = z.input<typeof rotateInput>;
export type KeyStateInput = z.input<typeof stateInput>;
export type ParsedReal = z.output<typeof newReal> | z.output<typeof knownReal>;

const parsed =
  <Schema extends z.ZodType>(schema: Schema) =>
  (input: unknown): z.output<Schema> =>
    parseInput({ params: NONE, query: NONE, body: schema }, { params: {}, query: NO_QUERY, body: input }).body;

const NONE = z.strictObject({});
const NO_QUERY = new URLSearchParams();

export const parseCreate = parsed(createInput);
export const parseUpdate = parsed(updateInput);
export const parseMint = parsed(mintInput);
export const parseRotate = parsed(rotateInput);
export const parseState = parsed(stateInput);
const parseNewReal = parsed(z.strictObject({ real: newReal }));
const parseKnownReal = parsed(z.strictObject({ real: knownReal }));
const parseSecretField = parsed(z.strictObject({ secret: newReal.shape.secret }));

export function parseReal(real: unknown): ParsedReal {
  if (typeof real === 'object' && real !== null) {
    if ('id' in real) return parseKnownReal({ real }).real;
    if ('secret' in real && real.secret === undefined) throw missing('real.secret');
  }
  return parseNewReal({ real }).real;
}

export function parseSecret(secret: unknown): string {
  if (secret === undefined) throw missing('secret');
  return parseSecretField({ secret }).secret;
}

function missing(field: string): AppError {
  return invalidField('body', field, 'is undefined: is the environment variable set?');
}
