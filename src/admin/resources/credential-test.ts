import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { FAILURE_KINDS } from '../../routing/provider-error.ts';
import { none, questionEndpoint } from '../contract.ts';
import type { CallContext } from '../contract.ts';
import { ask, findProbe } from '../credential-probe.ts';
import type { Probe } from '../credential-probe.ts';
import { id, isoOrNull, time } from '../fields.ts';

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
    'Asks the provider for its list of models (Replicate: for the account), which costs nothing, and tells its own answer. A credential that was rejected and is let in now is used again at once. Those of the file and the environment are tested by the ids that provider-pools.list tells; one that is disabled is tested before it is switched on.',
  cli: { verb: 'credentials test' },
  params: z.strictObject({ id }),
  body: none,
  response: resultView,
  errors: ['not_found', 'conflict'],
  handler: async (ctx, { params }) => {
    const probe = await requireProbe(ctx, params.id);
    const startedAt = performance.now();
    const { retryAtMs, ...told } = await ask(ctx, probe);
    const milliseconds = Math.round(performance.now() - startedAt);
    if (told.accepted || told.kind === 'rejected_credential') {
      ctx.deps.providerPools.tell(ctx.workspace.workspaceId, params.id, told.kind, ctx.nowMs);
    }
    const { providerId } = probe;
    return { credentialId: params.id, providerId, milliseconds, ...told, retryAt: isoOrNull(retryAtMs) };
  },
});

async function requireProbe(ctx: CallContext, credentialId: string): Promise<Probe> {
  const found = await findProbe(ctx, credentialId);
  switch (found.kind) {
    case 'probe':
      return found.probe;
    case 'no-credential':
      throw new AppError('not_found', { message: `There is no credential ${credentialId}.` });
    case 'provider-off':
      throw new AppError('conflict', {
        message: `The provider ${found.providerId} is not switched on: activate one of its credentials first.`,
      });
    case 'nothing-free':
      throw new AppError('conflict', {
        message: `The provider ${found.providerId} has nothing that could be asked for free: make a call to test the credential.`,
      });
  }
}

export const credentialTest = [test] as const;
