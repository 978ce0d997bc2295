import type { DialectName } from '../llm/dialect.ts';
import type { StatedPrice } from '../llm/stated-price.ts';

/**
 * How a secret is presented to a provider: the header that carries it. `kind` says what the secret
 * is when it is not sent as it stands; a secret that is none of these (a bearer token) is.
 */
export type ProviderAuth = SecretHeader & (PlainAuth | AwsAuth | GoogleAuth);

interface SecretHeader {
  /** Header name, lower case; the empty string where the endpoint asks for no secret. */
  readonly header: string;
  /** What stands before the secret, for example `Bearer `. */
  readonly prefix: string;
}

interface PlainAuth {
  readonly kind?: 'header';
}

/** The secret is `access key id:secret access key`, and `:session token` behind it where there is one. */
interface AwsAuth {
  readonly kind: 'aws-sigv4';
  /** AWS's name of the service, for the scope of the signature. */
  readonly service: string;
  /** May hold settings: `{region}`. */
  readonly region: string;
}

/** The secret is a service account's key, as JSON in one line: tokens are fetched with it. */
interface GoogleAuth {
  readonly kind: 'google-oauth';
  readonly scope: string;
}

export interface ProviderEndpoint {
  /**
   * Origin and path prefix before the dialect's own path, for example `https://api.openai.com/v1`.
   * `{name}` stands for the provider's setting of that name.
   */
  readonly baseUrl: string;
  /** Base URLs that stand in for `baseUrl` where a setting has one of these values. */
  readonly baseUrlWhere?: { readonly setting: string; readonly is: Readonly<Record<string, string>> };
  readonly auth: ProviderAuth;
  /** Headers sent where the caller's own forwarded headers have none of that name; lower case names. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Whether a stream tells its usage only when asked (`stream_options.include_usage`), or always.
   * Some vendors that always tell refuse the question. Only the OpenAI dialect asks.
   */
  readonly streamUsage: 'when-asked' | 'always';
  /** How the OpenAI dialect names the limit of the output here; `max_tokens` if left out. */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens';
  /** How earlier reasoning is sent back in the OpenAI dialect; not at all if left out. */
  readonly reasoningBack?: 'reasoning_content' | 'reasoning_details';
  /** Reranking in a form of the vendor's own, below the OpenAI dialect's base URL; as clients write it if left out. */
  readonly rerankForm?: 'voyage';
  /**
   * A host's own way of the dialect. `vertex`: the base URL ends at the publisher; below it stands
   * `/models/{model}:{method}` without a version, with `rawPredict` and `streamRawPredict` for
   * Anthropic, whose body has `anthropic_version` and no model.
   */
  readonly variant?: 'vertex';
}

/** A part of a provider's URL that differs from account to account. */
export interface ProviderSetting {
  /** For people: what it is. */
  readonly what: string;
  /** Environment variable that holds it, if there is a usual one. */
  readonly env: string | null;
  /** Null: it must be given. */
  readonly default: string | null;
}

/** The name under which a price stands for every model that has none of its own. */
export const ANY_MODEL = '*';

/** A vendor of models: data only. */
export interface Provider {
  readonly id: string;
  readonly name: string;
  /**
   * Environment variable that switches the provider on when present. Null: it needs no secret,
   * because it answers inside the gateway or is a server of one's own, which is on once declared.
   */
  readonly secretEnv: string | null;
  /** `in-process` providers answer inside the gateway: no socket, no credential. */
  readonly transport: 'http' | 'in-process';
  /** The dialects the vendor speaks natively. */
  readonly endpoints: Readonly<Partial<Record<DialectName, ProviderEndpoint>>>;
  /** What the endpoints' URLs leave open, by name. */
  readonly settings?: Readonly<Record<string, ProviderSetting>>;
  /** Models listed where neither an operator nor the catalogue lists any; others can be called all the same. */
  readonly models: readonly string[];
  /** What models cost, by name; the vendor's own statement, or for play. */
  readonly prices?: Readonly<Record<string, StatedPrice>>;
}
