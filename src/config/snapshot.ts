/**
 * The immutable, compiled configuration that the data plane reads. Plain data: it travels to the
 * workers as a message. Credential secrets are inside, so it is never logged or written.
 */
import type { WorkspaceState } from '../keys/owners.ts';
import type { Strategy } from '../routing/balance.ts';
import type { Condition } from '../routing/condition.ts';
import type { FallbackClass } from '../routing/retry.ts';
import type { DialectName } from '../llm/dialect.ts';
import type { ModelTraits } from '../llm/model-traits.ts';
import type { Price } from '../llm/price.ts';

export interface Snapshot {
  /** Rises with every publication. */
  readonly version: number;
  readonly gateway: GatewaySettings;
  readonly workspaces: Readonly<Record<string, WorkspaceSnapshot>>;
}

/** Sizes in bytes, times in milliseconds. */
export interface GatewaySettings {
  readonly bodyBytesMax: number;
  readonly connectTimeoutMs: number;
  /** From the request being sent to the head of the answer. */
  readonly firstByteTimeoutMs: number;
  /** Between two pieces of an answer's body. */
  readonly idleTimeoutMs: number;
  /** Largest answer body that is relayed. */
  readonly answerBytesMax: number;
  /** Whether `?key=` is accepted. */
  readonly allowKeyInQuery: boolean;
  /** How many proxies in front may be believed in `X-Forwarded-For`; 0: the socket's address counts. */
  readonly trustedProxyHops: number;
  /** The header in which such a proxy tells the caller's country, lower case; null: countries are not known. */
  readonly countryHeader: string | null;
  /** Upstream connections per provider origin and worker. */
  readonly upstreamConnectionsMax: number;
  /** Output tokens that a call is expected to need at most where its body does not limit them: what budgets reserve. */
  readonly outputTokensAssumed: number;
  /** Whether media named by URL are fetched for providers that take bytes only; `any`: from private networks, too. */
  readonly fetchMedia: 'public' | 'any' | 'off';
  /** Bound of all media fetched for one call. */
  readonly mediaBytesMax: number;
  /** Room for responses that are kept for who asks the same, per worker; 0: none are kept. */
  readonly cacheBytesMax: number;
  readonly cacheTtlMs: number;
  /** More attempts at a provider that fails, where no other target is left. */
  readonly retries: number;
  /** What becomes of a call of which translation between dialects would lose something. */
  readonly translation: 'warn' | 'refuse';
  /** Silence in a stream after which its caller gets a sign of life; 0: none. */
  readonly streamPingMs: number;
  /** Whether endpoints that are left alone are asked in the background if they are back. */
  readonly activeHealth: boolean;
  /** How long open calls may go on after a stop was asked for. */
  readonly drainTimeoutMs: number;
}

export interface WorkspaceSnapshot extends WorkspaceState {
  readonly providers: Readonly<Record<string, ProviderSnapshot>>;
  /** By name, or by a pattern with one `*`. */
  readonly aliases: Readonly<Record<string, AliasSnapshot>>;
  /** Unix milliseconds when each alias, `provider/name` and provider was first there. */
  readonly catalogueSinceMs: Readonly<Record<string, number>>;
}

export interface ProviderSnapshot {
  readonly id: string;
  readonly transport: 'http' | 'in-process';
  readonly endpoints: Readonly<Partial<Record<DialectName, EndpointSnapshot>>>;
  readonly credentials: readonly CredentialSnapshot[];
  /** By model name without the provider. */
  readonly prices: Readonly<Record<string, Price>>;
  /** What is known of models, by name without the provider: also of such as are not listed. */
  readonly traits: Readonly<Record<string, ModelTraits>>;
  /** Model names without the provider, for `/v1/models`. */
  readonly models: readonly string[];
}

export interface EndpointSnapshot {
  /** Scheme, host and port: `https://api.openai.com`. */
  readonly origin: string;
  /** Path before the dialect's own, without a slash at its end: `/v1`, or the empty string. */
  readonly pathPrefix: string;
  /** Empty: the provider needs no credential, and none is sent. */
  readonly authHeader: string;
  readonly authPrefix: string;
  /** Whether a stream must be asked for its usage (OpenAI dialect; false where the vendor tells it unasked). */
  readonly asksUsage: boolean;
  /** Flat name, value pairs always sent. */
  readonly headers: readonly string[];
  /**
   * How the value of the auth header comes about where the secret is not sent as it stands. A
   * secret that is no key to sign with (a bearer token) is sent all the same.
   */
  readonly signing?:
    | { readonly kind: 'aws-sigv4'; readonly service: string; readonly region: string }
    | { readonly kind: 'google-oauth'; readonly scope: string };
  /** How the OpenAI dialect names the limit of the output here; `max_tokens` if left out. */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens';
  /** How earlier reasoning is sent back in the OpenAI dialect; not at all if left out. */
  readonly reasoningBack?: 'reasoning_content' | 'reasoning_details';
  /** How it reranks, see `ProviderEndpoint.rerankForm`. */
  readonly rerankForm?: 'voyage';
  /** A host's own way of the dialect, see `ProviderEndpoint.variant`. */
  readonly variant?: 'vertex';
}

export interface CredentialSnapshot {
  readonly id: string;
  readonly secret: string;
  readonly weight: number;
  /** Lower is used as long as it can be. */
  readonly priority: number;
  /** Models without the provider, as names with at most one `*`; null for all. */
  readonly models: readonly string[] | null;
}

/** How a name of the operator's own chooses among models. Times in milliseconds, null where the gateway's hold. */
export interface AliasSnapshot {
  readonly strategy: Strategy;
  /** Never empty; nested aliases are laid out. A `*` stands for what the star of the alias's own name does. */
  readonly targets: readonly TargetSnapshot[];
  /** What sends a call on to the next target. */
  readonly fallback: readonly FallbackClass[];
  readonly retries: number | null;
  /** All attempts of a call together. */
  readonly attemptsMax: number;
  /** After which a second attempt starts at another target, and the first to answer wins; null: never. */
  readonly hedgeAfterMs: number | null;
  /** What keeps a conversation at its target: what the caller names (`session`), else its first turns, too. */
  readonly affinity: 'off' | 'session' | 'conversation';
  readonly timeouts: RouteTimeouts;
}

export interface RouteTimeouts {
  /** Of one attempt, until its answer begins. */
  readonly firstByteMs: number | null;
  readonly idleMs: number | null;
  /** Until an answer begins, over all attempts. */
  readonly totalMs: number | null;
}

export interface TargetSnapshot {
  /** `provider/name`. */
  readonly model: string;
  readonly weight: number;
  readonly priority: number;
  /** Which calls it is for; null: all. */
  readonly when: Condition | null;
}
