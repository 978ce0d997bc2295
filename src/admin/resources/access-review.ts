import { z } from 'zod';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import type { CallContext } from '../contract.ts';
import { id, iso, isoOrNull, mapPage, pageFields, pageOf, pageRequest, time } from '../fields.ts';
import { presentRefusal } from '../impact.ts';
import { ERRORS } from '../../errors.ts';
import type { KeyRow } from '../stores.ts';
import { viewScopes, scopesView } from '../constraint-fields.ts';
import { keyRef, requireKey } from './key-view.ts';

const DAY_MS = 86_400_000;

const flags = z
  .enum(['never-used', 'unused', 'no-expiry', 'no-scopes', 'owner-problem', 'no-owner', 'expired'])
  .describe('Why the key deserves a look.');

const reviewedKey = z
  .object({
    kid: z.string(),
    name: z.string(),
    applicationId: z.string(),
    ownerId: z.string().nullable(),
    state: z.string(),
    ageDays: z.int(),
    lastUsedAt: time.nullable().describe('By the call records that are kept; null: in none of them.'),
    expiresAt: time.nullable(),
    scopes: scopesView,
    ownerProblem: z.string().nullable().describe('The code that the key is refused with for what stands behind it.'),
    flags: z.array(flags),
    certifiedAt: time.nullable().describe('When somebody last certified that it is needed.'),
    certifiedBy: z.string().nullable(),
  })
  .meta({ id: 'ReviewedKey' });

const review = readEndpoint({
  id: 'reports.access-review',
  method: 'GET',
  path: '/reports/access-review',
  permission: 'reports:read',
  summary: 'Review who has access',
  description:
    'Keys that are not revoked, newest first, with what speaks for another look at them. With a flag, a page may hold fewer entries than its limit. Certify a key with POST /keys/{kid}/certify, or revoke it.',
  cli: {
    verb: 'reports access-review',
    columns: ['kid', 'name', 'applicationId', 'ownerId', 'ageDays', 'lastUsedAt', 'flags', 'certifiedAt'],
  },
  params: none,
  query: z.strictObject({
    unusedDays: z.coerce
      .number<number>()
      .int()
      .min(1)
      .max(3650)
      .default(90)
      .describe('From how many days on a key counts as unused.'),
    flag: flags.exactOptional().describe('Only keys with this flag.'),
    applicationId: id.exactOptional(),
    ownerId: id.exactOptional(),
    ...pageFields,
  }),
  response: pageOf(reviewedKey),
  handler: async (ctx, { query: { unusedDays, flag, applicationId, ownerId, ...page } }) => {
    const filter = { ...(applicationId && { applicationId }), ...(ownerId && { ownerId }) };
    const rows = await ctx.workspace.keys.list(pageRequest(page), filter);
    const kept = rows.items.filter(({ state }) => state === 'active' || state === 'suspended');
    const lastUsed = await ctx.deps.calls.lastUsed(
      ctx.workspace.workspaceId,
      kept.map(({ kid }) => kid),
    );
    const owned = await ownedApplications(ctx, kept);
    const reviewed = [];
    for (const row of kept) {
      const facts = {
        lastUsedMs: lastUsed.get(row.kid) ?? null,
        ownerProblem: await ownerProblemOf(ctx, row),
        hasOwner: row.ownerId !== null || owned.has(row.applicationId),
      };
      const entry = { ...view(ctx, row, facts, unusedDays), ...(await certification(ctx, row.kid)) };
      if (flag === undefined || entry.flags.includes(flag)) reviewed.push(entry);
    }
    return mapPage({ items: reviewed, next: rows.next }, (entry) => entry);
  },
});

/** Of the applications of the keys, those that somebody answers for. */
async function ownedApplications({ workspace }: CallContext, rows: readonly KeyRow[]): Promise<ReadonlySet<string>> {
  const owned = new Set<string>();
  for (const applicationId of new Set(rows.map((row) => row.applicationId))) {
    const application = await workspace.applications.find(applicationId);
    if (application !== null && application.ownerId !== null) owned.add(applicationId);
  }
  return owned;
}

interface Facts {
  readonly lastUsedMs: number | null;
  readonly ownerProblem: string | null;
  /** Of its own, or its application's. */
  readonly hasOwner: boolean;
}

function view({ nowMs }: CallContext, row: KeyRow, facts: Facts, unusedDays: number) {
  const { lastUsedMs, ownerProblem } = facts;
  const { kid, name, applicationId, ownerId, state } = row;
  return {
    ...{ kid, name, applicationId, ownerId, state, ownerProblem },
    ageDays: Math.max(0, Math.floor((nowMs - row.createdAtMs) / DAY_MS)),
    lastUsedAt: isoOrNull(lastUsedMs),
    expiresAt: isoOrNull(row.expiresAtMs),
    scopes: viewScopes(row.scopes),
    flags: flagsOf(row, facts, { nowMs, unusedDays }),
  };
}

function flagsOf(
  row: KeyRow,
  { lastUsedMs, ownerProblem, hasOwner }: Facts,
  { nowMs, unusedDays }: { readonly nowMs: number; readonly unusedDays: number },
): z.output<typeof flags>[] {
  const unusedSinceMs = lastUsedMs ?? row.createdAtMs;
  const found: readonly (readonly [z.output<typeof flags>, boolean])[] = [
    ['never-used', lastUsedMs === null],
    ['unused', nowMs - unusedSinceMs > unusedDays * DAY_MS],
    ['no-expiry', row.expiresAtMs === null],
    ['no-scopes', Object.values(row.scopes).every((scope) => scope === null)],
    ['owner-problem', ownerProblem !== null],
    ['no-owner', !hasOwner],
    ['expired', row.expiresAtMs !== null && row.expiresAtMs <= nowMs],
  ];
  return found.filter(([, applies]) => applies).map(([flag]) => flag);
}

/** Suspended keys are looked at as if they were not: what stands behind them counts here. */
async function ownerProblemOf(ctx: CallContext, row: KeyRow): Promise<string | null> {
  const code = await presentRefusal(ctx, { ...row, state: 'active', expiresAtMs: null, notBeforeMs: null });
  return code !== null && ERRORS[code].group === 'owner' ? code : null;
}

async function certification({ workspace }: CallContext, kid: string) {
  const page = await workspace.audit.list({ cursor: null, limit: 1 }, { targetId: kid, action: 'keys.certify' });
  const [event] = page.items;
  return { certifiedAt: isoOrNull(event?.atMs ?? null), certifiedBy: event?.actor ?? null };
}

const certify = changeEndpoint({
  id: 'keys.certify',
  method: 'POST',
  path: '/keys/:kid/certify',
  permission: 'keys:certify',
  summary: 'Certify a key',
  description: 'Writes down who looked at the key, when, and found that it is needed as it is. Changes nothing else.',
  cli: { verb: 'keys certify' },
  params: z.strictObject({ kid: keyRef }),
  query: none,
  body: z.strictObject({ reason: z.string().trim().min(1).max(500).exactOptional().describe('Why it is needed.') }),
  response: z.object({ kid: z.string(), certifiedAt: time, certifiedBy: z.string() }).meta({ id: 'Certification' }),
  errors: ['not_found'],
  audit: { targetKind: 'key' },
  handler: async (ctx, { params, body }) => {
    const { kid, revision, state } = await requireKey(ctx.workspace, params.kid);
    const certified = { kid, certifiedAt: iso(ctx.nowMs), certifiedBy: ctx.principal.actor };
    return {
      targetId: kid,
      before: null,
      after: { ...certified, revision, state },
      reason: body.reason ?? null,
      propagate: { kind: 'none' },
      answer: () => certified,
    };
  },
});

export const accessReview = [review, certify] as const;
