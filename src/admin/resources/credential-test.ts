import { z } from 'zod';
import type { CredentialSnapshot, EndpointSnapshot } from '../../config/snapshot.ts';
import { AppError } from '../../errors.ts';
import { FAILURE_KINDS, readProviderError } from '../../routing/provider-error.ts';
import { none, questionEndpoint } from '../contract.ts';
import type { CallContext } from '../contract.ts';
import { id, isoOrNull, time } from '../fields.ts';
import type { ProviderReply } from '../ports.ts';

const resultView = z
  .object({
    credentialId: z.string(),
    providerId: z.string(),
    accepted: z.boolean().describe('Whether the provider lets the credential in.'),
    status: z.int().nullable().describe('Of the provider; null where it did not answer.'),
    kind: z.enum(FAILURE_KINDS).nullable(),
    message: z.string().nullable().describe('The provider’s own words, without the secret.'),
    code: z.string().nullable(),
    retryAt: time.nullable().describe('When the provider says that it takes calls again.'),
    milliseconds: z.number(),
  })
  .meta({ id: 'CredentialTest' });

const test = questionEndpoint({
  id: 'credentials.test',
  path: '/credentials/:id/test',
  permission: 'credentials:write',
  summary: 'Test a credential at its provider',
  description:
    'Asks the provider for its list of models, which costs nothing, and tells its own answer. A credential that was rejected and is let in now is used again at once. Those of the file and the environment are tested by the ids that provider-pools.list tells; one that is disabled is tested before it is switched on.',
  cli: { verb: 'credentials test' },
  params: z.strictObject({ id }),
  body: none,
  response: resultView,
  errors: ['not_found', 'conflict'],
  handler: async (ctx, { params }) => {
    const found = await findCredential(ctx, params.id);
    const startedAt = performance.now();
    const reply = await ctx.deps.provider
      .get({ url: found.url, headers: found.headers })
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    const milliseconds = Math.round(performance.now() - startedAt);
    const told = typeof reply === 'string' ? unreachable(reply) : answerOf(reply, ctx.nowMs);
    if (told.accepted || told.kind === 'rejected_credential') {
      ctx.deps.providerPools.tell(ctx.workspace.workspaceId, params.id, told.kind, ctx.nowMs);
    }
    const message = told.message?.replaceAll(found.secret, '…') ?? null;
    return { credentialId: params.id, providerId: found.providerId, milliseconds, ...told, message };
  },
});

type Told = Omit<z.input<typeof resultView>, 'credentialId' | 'providerId' | 'milliseconds'>;

function unreachable(message: string): Told {
  return { accepted: false, status: null, kind: 'unavailable', message, code: null, retryAt: null };
}

/** Who may not list models is known all the same: only a 401 says otherwise. */
function answerOf({ status, headers, body }: ProviderReply, nowMs: number): Told {
  if (status < 300) return { accepted: true, status, kind: null, message: null, code: null, retryAt: null };
  const error = readProviderError({ status, headers, body, model: null, nowMs });
  const { kind, message, code, retryAfterMs } = error;
  const retryAt = isoOrNull(retryAfterMs === null ? null : nowMs + retryAfterMs);
  return { accepted: false, status, kind, message, code, retryAt };
}

interface Found {
  readonly providerId: string;
  readonly secret: string;
  readonly url: string;
  readonly headers: readonly string[];
}

/** One in force, or one of the store's that is not. */
async function findCredential(ctx: CallContext, credentialId: string): Promise<Found> {
  const providers = ctx.deps.snapshotSource.current().workspaces[ctx.workspace.workspaceId]?.providers ?? {};
  for (const provider of Object.values(providers)) {
    const credential = provider.credentials.find((one) => one.id === credentialId);
    if (credential !== undefined) return question(provider.id, credential, provider.endpoints);
  }
  const row = await ctx.workspace.credentials.get(credentialId);
  const secret = await ctx.workspace.credentials.secretOf(credentialId);
  if (row === null || secret === null) {
    throw new AppError('not_found', { message: `There is no credential ${credentialId}.` });
  }
  const provider = Object.values(providers).find(({ id: name }) => name === row.providerId);
  if (provider === undefined) {
    throw new AppError('conflict', {
      message: `The provider ${row.providerId} is not switched on: activate one of its credentials first.`,
    });
  }
  return question(provider.id, { secret }, provider.endpoints);
}

/** Where each wire format lists its models, below the base URL. */
const LISTS: Readonly<Record<string, string>> = {
  openai: '/models',
  'openai-responses': '/models',
  mistral: '/models',
  anthropic: '/v1/models',
  gemini: '/v1beta/models',
};

function question(
  providerId: string,
  { secret }: Pick<CredentialSnapshot, 'secret'>,
  endpoints: Readonly<Partial<Record<string, EndpointSnapshot>>>,
): Found {
  for (const [dialect, endpoint] of Object.entries(endpoints)) {
    const path = Object.hasOwn(LISTS, dialect) ? LISTS[dialect] : undefined;
    if (path === undefined || endpoint === undefined || endpoint.signing !== undefined) continue;
    const { origin, pathPrefix, authHeader, authPrefix, headers } = endpoint;
    return {
      ...{ providerId, secret },
      url: `${origin}${pathPrefix}${path}`,
      headers: [authHeader, authPrefix + secret, ...headers],
    };
  }
  throw new AppError('conflict', {
    message: `The provider ${providerId} has nothing that could be asked for free: make a call to test the credential.`,
  });
}

export const credentialTest = [test] as const;
