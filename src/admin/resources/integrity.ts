import { z } from 'zod';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { iso } from '../fields.ts';
import { impactQuery, impactView, withImpact } from '../impact.ts';
import { eachFinding, FINDING_KINDS } from '../integrity.ts';
import type { Finding } from '../integrity.ts';
import { planRepair, REPAIRS } from '../repair.ts';
import { invalidField } from '../validation.ts';
import { receiptView } from './key-view.ts';

const findingView = z
  .object({
    id: z.string().describe('Names the finding to the repair.'),
    kind: z.enum(FINDING_KINDS),
    targetId: z.string().describe('A key id, an id, or team/person.'),
    detail: z.string(),
    repair: z.string().describe('What the repair does.'),
  })
  .meta({ id: 'Finding' });

const check = readEndpoint({
  id: 'integrity.check',
  method: 'GET',
  path: '/integrity',
  permission: 'integrity:read',
  summary: 'Find records that do not fit together',
  description:
    'Keys whose application or owner is not there, applications whose owner or team is not there, memberships of nobody, and constraints that cannot be read. The engine refuses what stands on any of them.',
  cli: { verb: 'integrity check', columns: ['id', 'detail', 'repair'] },
  params: none,
  query: z.strictObject({ limit: z.coerce.number<number>().int().min(1).max(500).default(500) }),
  response: z
    .object({
      items: z.array(findingView),
      more: z.boolean().describe('Whether there are more than are listed: repair these, and ask again.'),
    })
    .meta({ id: 'Integrity' }),
  handler: async (ctx, { query: { limit } }) => {
    const items: z.input<typeof findingView>[] = [];
    for await (const finding of eachFinding(ctx.workspace)) {
      if (items.length === limit) return { items, more: true };
      items.push(view(finding));
    }
    return { items, more: false };
  },
});

const repair = changeEndpoint({
  id: 'integrity.repair',
  method: 'POST',
  path: '/integrity/repair',
  permission: 'integrity:repair',
  summary: 'Repair a record',
  description:
    'Makes what a finding calls its repair. Where what is missing was deleted by mistake, restore it instead. A repair may let keys be used again, which the preview tells.',
  cli: { verb: 'integrity repair' },
  params: none,
  query: z.strictObject(impactQuery),
  body: z.strictObject({ finding: z.string().min(1).max(300).describe('The id of the finding.') }),
  response: z
    .object({ repaired: z.string(), repair: z.string(), impact: impactView, receipt: receiptView.nullable() })
    .meta({ id: 'Repair' }),
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'finding' },
  handler: async (ctx, { query, body: { finding } }) => {
    const colon = finding.indexOf(':');
    const kind = FINDING_KINDS.find((known) => known === finding.slice(0, colon));
    if (kind === undefined) throw invalidField('body', 'finding', 'is not the id of a finding');
    const targetId = finding.slice(colon + 1);
    const plan = await planRepair(ctx, kind, targetId);
    const { impact } = await withImpact(
      ctx,
      {
        workspace: ctx.workspace,
        beneath: plan.beneath,
        query,
        undo: (row) => (plan.key?.kid === row.kid ? plan.key : row),
      },
      plan.make,
    );
    return {
      targetId,
      before: plan.before,
      after: plan.after,
      reason: query.reason ?? null,
      propagate: plan.key === null ? { kind: 'snapshot' } : { kind: 'key', kid: plan.key.kid, wait: true },
      answer: (receipt) => ({
        repaired: finding,
        repair: plan.sentence,
        impact,
        receipt: receipt && { ...receipt, acknowledgedAt: iso(receipt.acknowledgedAtMs) },
      }),
    };
  },
});

function view(finding: Finding): z.input<typeof findingView> {
  return { id: `${finding.kind}:${finding.targetId}`, ...finding, repair: REPAIRS[finding.kind] };
}

export const integrity = [check, repair] as const;
