import { z } from 'zod';
import type { WorkspaceSnapshot } from '../../config/snapshot.ts';
import { none, questionEndpoint } from '../contract.ts';
import { checkView, viewCheck } from '../diagnosis/decision-view.ts';
import { limitView, viewLimit } from '../diagnosis/reach.ts';
import { KEY_TEXT_LENGTH_MAX } from '../../keys/examine-form.ts';
import { isoOrNull, time } from '../fields.ts';
import { verifyKey } from '../verify-key.ts';
import type { VerifyResult } from '../verify-key.ts';

const text = z.string().min(1).max(256).exactOptional();

const facts = z
  .strictObject({
    service: text,
    method: z
      .string()
      .regex(/^[A-Z]{1,20}$/, 'must be a method such as GET')
      .exactOptional(),
    path: z.string().startsWith('/').max(2048).exactOptional(),
    model: text.describe('An alias or provider/name.'),
    operation: text,
    tool: text,
    address: text.describe('Where the call came from; not known: in no list of addresses.'),
    country: z
      .string()
      .regex(/^[A-Z]{2}$/, 'must be two capital letters (ISO 3166-1)')
      .exactOptional(),
    session: text,
  })
  .describe('What the call is that the key was sent with. What is left out is not known, and fits no list.');

const verificationView = z
  .object({
    valid: z.boolean(),
    code: z
      .string()
      .describe('`ok`, the code of the first check that fails, or `invalid_api_key` where the secret was not proven.'),
    kid: z
      .string()
      .nullable()
      .describe('Of a delegated key: the key that it comes from, like all that follows but the expiry.'),
    applicationId: z.string().nullable(),
    ownerId: z.string().nullable(),
    environment: z.enum(['live', 'test']).nullable(),
    tags: z.array(z.string()),
    expiresAt: time.nullable(),
    limits: z.array(limitView).describe('As they stand after this verification.'),
    checks: z.array(checkView).nullable().describe('With `explain`: every check, in order.'),
  })
  .meta({ id: 'Verification' });

const verify = questionEndpoint({
  id: 'keys.verify',
  path: '/keys/verify',
  permission: 'keys:verify',
  summary: 'Verify a key that was sent to an API of one’s own',
  description:
    'Judges it for a call of those facts, as the gateway would. Unless the whole secret is right the answer is always the same, so that nothing can be learned about keys; only what is wrong with the form of the text is told.',
  cli: { verb: 'keys verify' },
  params: none,
  body: z.strictObject({
    key: z
      .string()
      .min(1)
      .max(KEY_TEXT_LENGTH_MAX)
      .meta({ description: 'The whole key, as it was sent.', writeOnly: true }),
    facts: facts.default({}),
    take: z.boolean().default(false).describe('Counts a call against the rate limits of the key.'),
    explain: z.boolean().default(false).describe('Answers every check, too.'),
  }),
  response: verificationView,
  handler: async ({ deps, workspace }, { body }) => {
    const options = { workspaceId: workspace.workspaceId, take: body.take, explain: body.explain };
    const result = await verifyKey(deps, body.key, body.facts, options);
    return view(result, deps.snapshotSource.current().workspaces[workspace.workspaceId] ?? null, body.explain);
  },
});

function view(
  { valid, code, proven }: VerifyResult,
  workspace: WorkspaceSnapshot | null,
  wantsChecks: boolean,
): z.input<typeof verificationView> {
  if (proven === null) {
    const nothing = { kid: null, applicationId: null, ownerId: null, environment: null, expiresAt: null };
    return { valid, code, ...nothing, tags: [], limits: [], checks: null };
  }
  const { row, limits, input, trace } = proven;
  return {
    valid,
    code,
    kid: row.kid,
    applicationId: row.applicationId,
    ownerId: row.ownerId ?? workspace?.applications[row.applicationId]?.ownerId ?? null,
    environment: row.environment,
    tags: [...row.tags],
    expiresAt: isoOrNull(input.delegation?.expiresAtMs ?? row.expiresAtMs),
    limits: limits.map(viewLimit),
    checks: wantsChecks && trace !== null ? trace.checks.map((check) => viewCheck(check, input)) : null,
  };
}

export const keyVerify = [verify] as const;
