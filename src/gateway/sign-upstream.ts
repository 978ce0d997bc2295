/** Requests to providers whose secret does not travel: it signs, or is exchanged for a token. */
import { signRequest } from '../lib/aws-sigv4.ts';
import type { AwsCredentials } from '../lib/aws-sigv4.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { CredentialSnapshot, EndpointSnapshot } from '../config/snapshot.ts';
import type { Gateway } from './gateway.ts';
import { failureOf, refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { Target } from './targets.ts';
import type { UpstreamRequest } from './upstream.ts';

type Signing = NonNullable<EndpointSnapshot['signing']>;

const ACCESS_KEYS = /^([A-Z0-9]{16,128}):([A-Za-z0-9/+=]{16,128})(?::(\S+))?$/;

/** Whether the secret is one to sign with; any other is sent as it stands, such as a bearer token. */
export function signsWith(signing: Signing | undefined, secret: string): boolean {
  if (signing === undefined) return false;
  return signing.kind === 'aws-sigv4' ? ACCESS_KEYS.test(secret) : secret.trimStart().startsWith('{');
}

/** The request with what proves it, or why there is none. */
export async function signUpstream(
  gateway: Gateway,
  target: Target,
  credential: CredentialSnapshot,
  request: UpstreamRequest,
): Promise<UpstreamRequest | Refusal> {
  const { signing, origin, authHeader, authPrefix } = target.endpoint.snapshot;
  if (signing === undefined || !signsWith(signing, credential.secret)) return request;
  if (signing.kind === 'aws-sigv4') return withSignature(request, origin, credential.secret, signing, gateway);
  const token = await googleToken(gateway, credential, signing.scope);
  if (typeof token !== 'string') return token;
  return { ...request, headers: [authHeader, authPrefix + token, ...request.headers] };
}

function withSignature(
  request: UpstreamRequest,
  origin: string,
  secret: string,
  { service, region }: { readonly service: string; readonly region: string },
  { clock }: Gateway,
): UpstreamRequest {
  const question = request.path.indexOf('?');
  const signed = signRequest(
    {
      method: request.method,
      path: question === -1 ? request.path : request.path.slice(0, question),
      query: question === -1 ? '' : request.path.slice(question + 1),
      headers: ['host', new URL(origin).host, ...typeOf(request.headers)],
      body: request.body ?? NOTHING,
    },
    accessKeys(secret),
    { service, region, nowMs: clock.now() },
  );
  return { ...request, headers: [...request.headers, ...signed] };
}

const NOTHING = new Uint8Array(0);

function typeOf(headers: readonly string[]): readonly string[] {
  const at = headers.indexOf('content-type');
  return at === -1 ? [] : headers.slice(at, at + 2);
}

function accessKeys(secret: string): AwsCredentials {
  const [, accessKeyId = '', secretAccessKey = '', sessionToken] = ACCESS_KEYS.exec(secret) ?? [];
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}

interface HeldToken {
  readonly secret: string;
  readonly token: string;
  readonly expiresAtMs: number;
}

const ACCOUNTS_MAX = 1024;
/** A token is renewed this long before it ends. */
const RENEW_MS = 120_000;

const tokens = new BoundedMap<string, HeldToken>(ACCOUNTS_MAX);
const asking = new Map<string, Promise<string | Refusal>>();

/** One question at a time for each account, however many calls wait for its token. */
function googleToken(
  gateway: Gateway,
  credential: CredentialSnapshot,
  scope: string,
): string | Promise<string | Refusal> {
  const { id, secret } = credential;
  const held = tokens.get(id);
  if (held !== undefined && held.secret === secret && held.expiresAtMs - RENEW_MS > gateway.clock.now())
    return held.token;
  const open = asking.get(id);
  if (open !== undefined) return open;
  const question = ask(gateway, credential, scope).finally(() => asking.delete(id));
  asking.set(id, question);
  return question;
}

async function ask(gateway: Gateway, { id, secret }: CredentialSnapshot, scope: string): Promise<string | Refusal> {
  // Read in by the few who need it: an HTTP client of its own would make every start slower.
  const { readServiceAccount, requestGoogleToken } = await import('../lib/google-token.ts');
  const account = readServiceAccount(secret);
  if (account === null) return rejected();
  const result = await requestGoogleToken(account, scope, gateway.clock.now());
  if (result.ok) {
    tokens.set(id, { secret, token: result.token, expiresAtMs: result.expiresAtMs });
    return result.token;
  }
  gateway.log('warn', 'no access token', { credential: id, reason: result.reason });
  return result.isRejected ? rejected() : refusal('provider_unavailable', { failure: failureOf('unavailable') });
}

function rejected(): Refusal {
  return refusal('credential_rejected', { failure: failureOf('rejected_credential') });
}
