import { z } from 'zod';
import { FAILURE_KINDS } from '../../routing/provider-error.ts';
import type { CredentialError } from '../../routing/credential-error.ts';
import { none, readEndpoint } from '../contract.ts';
import { id, iso, isoOrNull, pageFields, pageOf, pageOfArray, pageRequest, time } from '../fields.ts';
import type { PoolMemberState, ProviderPoolState } from '../ports.ts';

const kind = z.enum(FAILURE_KINDS).nullable();

/** How a credential stands, wherever it is shown. */
export const healthView = z
  .object({
    state: z
      .enum(['healthy', 'cooling', 'exhausted', 'rejected'])
      .describe(
        'cooling: after a rate limit; exhausted: nothing is left to spend; rejected: the provider does not know it.',
      ),
    until: time.nullable().describe('When it is used or probed again; null while it is in use.'),
    reason: kind.describe('Why, as the provider’s answer was read; null where nothing failed lately.'),
    failuresInARow: z.int(),
    models: z
      .array(z.object({ model: z.string(), until: time, reason: kind }))
      .describe('Listed models that it is out of use for, while it serves others.'),
    lastError: z
      .object({
        at: time,
        reason: z.enum(FAILURE_KINDS),
        status: z.int(),
        code: z.string().nullable(),
        message: z.string().nullable().describe('The provider’s own words, without secrets.'),
      })
      .nullable()
      .describe('What its provider answered last when it did not serve; null: nothing since the start.'),
  })
  .meta({ id: 'CredentialHealth' });

const poolView = z
  .object({
    id: z.string().describe('The provider.'),
    state: z.enum(['ok', 'warning', 'critical']).describe('warning: half or more are out; critical: all are.'),
    usable: z.int(),
    all: z.int(),
    soonestRecovery: time.nullable().describe('When the first of those that are out may be back.'),
    exhaustedAt: time
      .nullable()
      .describe(
        'When none can be used any more, if credentials go out of use as they did lately; null: that cannot be foreseen, or is so already.',
      ),
    credentials: z.array(healthView.extend({ id: z.string() })),
    endpoints: z.array(
      z.object({
        origin: z.string(),
        openUntil: time.nullable().describe('Null: it serves. Else when it is tried again.'),
        lastProbe: z
          .object({ at: time, serves: z.boolean() })
          .nullable()
          .describe('What came of asking it in the background after it had failed; null: it was not asked.'),
      }),
    ),
  })
  .meta({ id: 'ProviderPool' });

const list = readEndpoint({
  id: 'provider-pools.list',
  method: 'GET',
  path: '/provider-pools',
  permission: 'credentials:read',
  summary: 'Show the pools of providers as they stand',
  description:
    'For each provider its credentials in force, those of the file and the environment too: which can be used now, which are out, why and until when, and when all will be at the present rate; and the endpoints that do not serve. The state is that of all workers of this machine.',
  cli: { verb: 'pools list', columns: ['id', 'state', 'usable', 'all', 'soonestRecovery', 'exhaustedAt'] },
  params: none,
  query: z.strictObject({ providerId: id.exactOptional(), ...pageFields }),
  response: pageOf(poolView),
  handler: async (ctx, { query: { providerId, ...page } }) => {
    const pools = ctx.deps.providerPools
      .read(ctx.workspace.workspaceId, ctx.nowMs)
      .filter((pool) => providerId === undefined || pool.providerId === providerId);
    return pageOfArray(pools.map(view), pageRequest(page));
  },
});

/** How one credential stands; null for one that is not in force. */
export function healthOf(pools: readonly ProviderPoolState[], credentialId: string): z.input<typeof healthView> | null {
  const member = pools.flatMap(({ members }) => members).find((one) => one.id === credentialId);
  return member === undefined ? null : health(member);
}

export function poolStateOf({ usable, all }: Pick<ProviderPoolState, 'usable' | 'all'>): 'ok' | 'warning' | 'critical' {
  if (usable === 0) return 'critical';
  return usable * 2 <= all ? 'warning' : 'ok';
}

function view(pool: ProviderPoolState): z.input<typeof poolView> {
  const waits = pool.members.flatMap(({ untilMs }) => untilMs ?? []);
  return {
    id: pool.providerId,
    state: poolStateOf(pool),
    usable: pool.usable,
    all: pool.all,
    soonestRecovery: waits.length === 0 ? null : iso(Math.min(...waits)),
    exhaustedAt: isoOrNull(pool.outAtMs),
    credentials: pool.members.map((member) => ({ id: member.id, ...health(member) })),
    endpoints: pool.endpoints.map(({ origin, openUntilMs, lastProbe }) => ({
      origin,
      openUntil: isoOrNull(openUntilMs),
      lastProbe: lastProbe === null ? null : { at: iso(lastProbe.atMs), serves: lastProbe.serves },
    })),
  };
}

function health(member: PoolMemberState): z.input<typeof healthView> {
  const { state, untilMs, kind: reason, failuresInARow, models, lastError } = member;
  return {
    state: state === 'open' ? 'cooling' : state,
    until: isoOrNull(untilMs),
    reason,
    failuresInARow,
    models: models.map((one) => ({ model: one.model, until: iso(one.untilMs), reason: one.kind })),
    lastError: lastError && viewError(lastError),
  };
}

function viewError({ atMs, kind: reason, status, code, message }: CredentialError) {
  return { at: iso(atMs), reason, status, code, message };
}

export const providerPools = [list] as const;
