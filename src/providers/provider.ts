import type { DialectName } from '../llm/dialect.ts';
import type { StatedPrice } from '../llm/price.ts';

/** How a secret is presented to a provider. */
export interface ProviderAuth {
  /** Header name, lower case; the empty string where the endpoint asks for no secret. */
  readonly header: string;
  /** What stands before the secret, for example `Bearer `. */
  readonly prefix: string;
}

export interface ProviderEndpoint {
  /** Origin and path prefix before the dialect's own path, for example `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  readonly auth: ProviderAuth;
  /** Headers sent where the caller's own forwarded headers have none of that name; lower case names. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Whether a stream tells its usage only when asked (`stream_options.include_usage`), or always.
   * Some vendors that always tell refuse the question. Only the OpenAI dialect asks.
   */
  readonly streamUsage: 'when-asked' | 'always';
}

/** The name under which a price stands for every model that has none of its own. */
export const ANY_MODEL = '*';

/** A vendor of models: data only. */
export interface Provider {
  readonly id: string;
  readonly name: string;
  /** Environment variable that switches the provider on when present. */
  readonly secretEnv: string | null;
  /** `in-process` providers answer inside the gateway: no socket, no credential. */
  readonly transport: 'http' | 'in-process';
  /** The dialects the vendor speaks natively. */
  readonly endpoints: Readonly<Partial<Record<DialectName, ProviderEndpoint>>>;
  /** Models listed without asking the vendor; others can be called all the same. */
  readonly models: readonly string[];
  /** What models cost, by name; the vendor's own statement, or for play. */
  readonly prices?: Readonly<Record<string, StatedPrice>>;
}
