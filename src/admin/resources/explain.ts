import { z } from 'zod';
import { none, readEndpoint } from '../contract.ts';
import { explainAdminCall } from '../diagnosis/explain-admin-call.ts';
import { explainCall, explanationView } from '../diagnosis/explain-call.ts';
import { requireCall } from '../diagnosis/find-call.ts';

const read = readEndpoint({
  id: 'explain.read',
  method: 'GET',
  path: '/explain/:requestId',
  permission: 'calls:read',
  summary: 'Explain a call',
  description:
    'By the x-request-id of its answer: who asked for what, why it was answered as it was, check by check, what would make it pass and who can do that, and how the same call would be decided now. Also for calls of this API that were refused although their admin token was known.',
  cli: { verb: 'explain' },
  params: z.strictObject({ requestId: z.string().min(1).max(100) }),
  query: none,
  response: explanationView,
  errors: ['not_found'],
  handler: async (ctx, { params: { requestId } }) => {
    const refused = await ctx.workspace.adminRefusals.get(requestId);
    return refused === null ? explainCall(ctx, await requireCall(ctx, requestId)) : explainAdminCall(ctx, refused);
  },
});

export const explain = [read] as const;
