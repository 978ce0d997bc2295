/** Asks a provider with one of its credentials for something that costs nothing, and reads its own answer. */
import type { EndpointSnapshot } from '../config/snapshot.ts';
import { readProviderError } from '../routing/provider-error.ts';
import type { FailureKind } from '../routing/provider-error.ts';
import type { CallContext } from './contract.ts';
import type { ProviderReply } from './ports.ts';

export interface ProbeAnswer {
  /** Whether the provider lets the credential in. */
  readonly accepted: boolean;
  /** Null where it did not answer. */
  readonly status: number | null;
  readonly kind: FailureKind | null;
  /** The provider's own words, without the secret. */
  readonly message: string | null;
  readonly code: string | null;
  /** Unix milliseconds. */
  readonly retryAtMs: number | null;
}

/** Where and with what a provider is asked. */
export interface Probe {
  readonly providerId: string;
  readonly secret: string;
  readonly url: string;
  readonly headers: readonly string[];
}

/** What cannot be asked, and why. */
export type ProbeFound =
  | { readonly kind: 'probe'; readonly probe: Probe }
  | { readonly kind: 'no-credential' }
  | { readonly kind: 'provider-off' | 'nothing-free'; readonly providerId: string };

/** One in force, or one of the store's that is not. */
export async function findProbe(ctx: CallContext, credentialId: string): Promise<ProbeFound> {
  const { providers = {} } = ctx.deps.snapshotSource.current().workspaces[ctx.workspace.workspaceId] ?? {};
  for (const { id, credentials, endpoints } of Object.values(providers)) {
    const credential = credentials.find((one) => one.id === credentialId);
    if (credential !== undefined) return probeOf(id, credential.secret, endpoints);
  }
  const row = await ctx.workspace.credentials.get(credentialId);
  const secret = await ctx.workspace.credentials.secretOf(credentialId);
  if (row === null || secret === null) return { kind: 'no-credential' };
  const provider = Object.values(providers).find(({ id }) => id === row.providerId);
  return provider === undefined
    ? { kind: 'provider-off', providerId: row.providerId }
    : probeOf(provider.id, secret, provider.endpoints);
}

export async function ask(ctx: CallContext, { url, headers, secret }: Probe): Promise<ProbeAnswer> {
  const reply = await ctx.deps.provider
    .get({ url, headers })
    .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  const answer = typeof reply === 'string' ? unreachable(reply) : answerOf(reply, ctx.nowMs);
  return { ...answer, message: answer.message?.replaceAll(secret, '…') ?? null };
}

function unreachable(message: string): ProbeAnswer {
  return { accepted: false, status: null, kind: 'unavailable', message, code: null, retryAtMs: null };
}

/** Who may not list models is known all the same: only a 401 says otherwise. */
function answerOf({ status, headers, body }: ProviderReply, nowMs: number): ProbeAnswer {
  if (status < 300) return { accepted: true, status, kind: null, message: null, code: null, retryAtMs: null };
  const { kind, message, code, retryAfterMs } = readProviderError({ status, headers, body, model: null, nowMs });
  return {
    accepted: false,
    status,
    kind,
    message,
    code,
    retryAtMs: retryAfterMs === null ? null : nowMs + retryAfterMs,
  };
}

/** Where each wire format lists its models, or says whose the credential is, below the base URL. */
const LISTS: Readonly<Record<string, string>> = {
  openai: '/models',
  'openai-responses': '/models',
  mistral: '/models',
  anthropic: '/v1/models',
  gemini: '/v1beta/models',
  replicate: '/account',
};

function probeOf(
  providerId: string,
  secret: string,
  endpoints: Readonly<Partial<Record<string, EndpointSnapshot>>>,
): ProbeFound {
  for (const [dialect, endpoint] of Object.entries(endpoints)) {
    const path = Object.hasOwn(LISTS, dialect) ? LISTS[dialect] : undefined;
    if (path === undefined || endpoint === undefined || endpoint.signing !== undefined) continue;
    const { origin, pathPrefix, authHeader, authPrefix, headers } = endpoint;
    const url = `${origin}${pathPrefix}${path}`;
    return {
      kind: 'probe',
      probe: { providerId, secret, url, headers: [authHeader, authPrefix + secret, ...headers] },
    };
  }
  return { kind: 'nothing-free', providerId };
}
