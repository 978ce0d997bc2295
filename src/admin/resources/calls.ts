import { z } from 'zod';
import type { CallRecord } from '../../calls/call-record.ts';
import { AppError } from '../../errors.ts';
import type { CallContext } from '../contract.ts';
import { none, readEndpoint } from '../contract.ts';
import { iso, mapPage, pageFields, pageOf, time } from '../fields.ts';
import { allows } from '../rbac.ts';
import type { CallFilter } from '../call-stores.ts';
import { keyRef, kidOf } from './key-view.ts';

const text = z.string().max(300).exactOptional();
const counted = z.number().nullable();
const named = z.string().nullable();

const usageDetail = z.record(z.string(), z.number());

const callView = z
  .object({
    requestId: z.string(),
    startedAt: time,
    applicationId: named,
    keyFingerprint: named.describe('Null when no well-formed key was sent.'),
    kid: named,
    method: z.string(),
    path: z.string(),
    dialect: named,
    operation: named,
    requestedModel: named.describe('As the caller named it.'),
    provider: named,
    model: named.describe('As it was sent upstream.'),
    credentialId: named,
    stream: z.boolean(),
    status: z.int().describe('What the caller received; 499: the caller left first.'),
    upstreamStatus: counted,
    upstreamRequestId: named,
    upstreamCode: named.describe("The provider's own code or type of the error that it told last."),
    code: z.string().describe('`ok`, or the code of the error that ended the call.'),
    attempts: z.int(),
    firstByteMs: counted,
    totalMs: z.number(),
    requestBytes: z.int(),
    responseBytes: z.int(),
    inputTokens: counted,
    cachedInputTokens: counted,
    cacheWriteTokens: counted,
    outputTokens: counted,
    reasoningTokens: counted,
    complete: z.boolean().describe('Whether the end of the answer was seen.'),
    clientAddress: z.string(),
    userAgent: named,
    ownerId: named.describe('The person who answered for the key at that time.'),
    parentKid: named.describe('The key that a temporary or delegated key comes from.'),
    secretGeneration: counted.describe('Which of the secrets of the key was sent, counted from 1.'),
    session: named,
    country: named,
    costNanoUsd: counted.describe('In billionths of a USD; null where the model has no price.'),
    costEstimated: z.boolean(),
    configVersion: z.int(),
    worker: z.int(),
    tags: z.array(z.string()).describe('Labels that the caller put on the call (x-keyward-tags).'),
    warnings: named.describe('What was dropped or approximated in translation between two APIs.'),
    usageDetail: usageDetail
      .nullable()
      .describe(
        'Counts that only some calls have: cache writes kept for an hour, audio and image tokens, seconds of sound that was sent and characters to be spoken.',
      ),
    fromCache: z.boolean().describe('Whether the answer came from the cache of responses.'),
  })
  .meta({ id: 'Call' });

const list = readEndpoint({
  id: 'calls.list',
  method: 'GET',
  path: '/calls',
  permission: 'calls:read',
  summary: 'List calls',
  description: 'Call records, newest first. A record never holds a body or a secret.',
  cli: {
    verb: 'calls list',
    columns: ['requestId', 'startedAt', 'status', 'code', 'keyFingerprint', 'provider', 'model', 'totalMs'],
  },
  params: none,
  query: z.strictObject({
    key: keyRef.exactOptional(),
    requestId: text,
    applicationId: text,
    status: z.coerce.number<number>().int().min(100).max(599).exactOptional(),
    code: text.describe('For example ok, expired or rate_limited.'),
    provider: text,
    model: text,
    tag: text.describe('A label that the caller put on the call, such as nightly or team=search.'),
    from: time.exactOptional().describe('Started at or after this time.'),
    to: time.exactOptional().describe('Started before this time.'),
    caller: z
      .enum(['known', 'unknown'])
      .default('known')
      .describe('unknown: calls that proved no key, which belong to no workspace.'),
    ...pageFields,
  }),
  response: pageOf(callView),
  errors: ['forbidden'],
  handler: async (ctx, { query: { key, from, to, caller, cursor, limit, ...same } }) => {
    if (caller === 'unknown') assertMaySeeUnidentified(ctx);
    const filter: CallFilter = {
      ...same,
      ...(key === undefined ? {} : { kid: kidOf(key) }),
      ...(from === undefined ? {} : { fromMs: Date.parse(from) }),
      ...(to === undefined ? {} : { toMs: Date.parse(to) }),
    };
    const workspaceId = caller === 'unknown' ? null : ctx.workspace.workspaceId;
    return mapPage(await ctx.deps.calls.list(workspaceId, { cursor: cursor ?? null, limit }, filter), view);
  },
});

const get = readEndpoint({
  id: 'calls.get',
  method: 'GET',
  path: '/calls/:requestId',
  permission: 'calls:read',
  summary: 'Show a call',
  description: 'By the x-request-id of its answer.',
  cli: { verb: 'calls show' },
  params: z.strictObject({ requestId: z.string().min(1).max(100) }),
  query: none,
  response: callView,
  errors: ['not_found'],
  handler: async (ctx, { params: { requestId } }) => {
    const record =
      (await findCall(ctx, ctx.workspace.workspaceId, requestId)) ??
      (allows(ctx.principal, 'calls:read-unidentified') ? await findCall(ctx, null, requestId) : null);
    if (record === null) {
      throw new AppError('not_found', {
        message: `There is no record of the call ${requestId}. Records are written a moment after the call ends.`,
      });
    }
    return view(record);
  },
});

async function findCall(ctx: CallContext, workspaceId: string | null, requestId: string): Promise<CallRecord | null> {
  const page = await ctx.deps.calls.list(workspaceId, { cursor: null, limit: 1 }, { requestId });
  return page.items[0] ?? null;
}

function assertMaySeeUnidentified(ctx: CallContext): void {
  if (allows(ctx.principal, 'calls:read-unidentified')) return;
  throw new AppError('forbidden', {
    message: 'This admin token does not have the permission that this needs: calls:read-unidentified.',
  });
}

function view(record: CallRecord): z.input<typeof callView> {
  return {
    ...record,
    startedAt: iso(record.startedAtMs),
    tags: record.tags?.trim().split(' ') ?? [],
    usageDetail: record.usageDetail === null ? null : usageDetail.parse(JSON.parse(record.usageDetail)),
  };
}

export const calls = [list, get] as const;
