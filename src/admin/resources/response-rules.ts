import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { count, displayName, id, pageFields, pageOf, pageOfArray, pageRequest } from '../fields.ts';
import { newId } from '../new-id.ts';
import { resolveAlert } from '../raise-alert.ts';
import type { ResponseRuleRow } from '../response-stores.ts';
import { previewRule } from '../responses/preview-rule.ts';
import { receivingWebhook } from '../rotate-key.ts';
import type { WorkspaceStore } from '../stores.ts';
import { invalidField } from '../validation.ts';
import { changedRule, ruleFields, ruleView, viewRule } from './response-rule-view.ts';

/** Every trigger is held against each of them. */
const RULES_MAX = 100;
const params = z.strictObject({ id });

const create = changeEndpoint({
  id: 'response-rules.create',
  method: 'POST',
  path: '/response-rules',
  permission: 'response-rules:write',
  summary: 'Create a rule that reacts to what happens to keys',
  description:
    'Says what is done by itself when something is seen: failures, a leak, an owner who left. Begin with dry-run, and look at "responses list" for what it would have done.',
  cli: { verb: 'response-rules create' },
  params: none,
  query: none,
  body: z.strictObject({
    ...ruleFields,
    name: displayName,
    when: ruleFields.when.unwrap(),
    actions: ruleFields.actions.unwrap(),
    state: ruleFields.state.unwrap().default('dry-run'),
  }),
  response: ruleView,
  errors: ['conflict'],
  status: 201,
  audit: { targetKind: 'response-rule' },
  handler: async (ctx, { body }) => {
    const others = await ctx.workspace.responseRules.all();
    if (others.length >= RULES_MAX) {
      throw new AppError('conflict', { message: `There are ${RULES_MAX} rules already. Delete one first.` });
    }
    const position = (others.at(-1)?.position ?? 0) + 1;
    const row = changedRule(
      { ...DEFAULTS, id: newId('rul', ctx.nowMs), position, createdAtMs: ctx.nowMs },
      body,
      ctx.nowMs,
    );
    await refuseUnfit(ctx, row);
    await ctx.workspace.responseRules.insert(row);
    return change(null, row);
  },
});

const DEFAULTS = {
  name: '',
  state: 'dry-run',
  selector: { applicationIds: null, teamIds: null, tags: null, environment: null },
  when: { kind: 'leak' },
  actions: [],
  cooldownMs: 24 * 3_600_000,
  undoAfterMs: null,
  limitPerHour: 20,
  countedFromMs: 0,
  note: null,
  updatedAtMs: 0,
} as const;

const list = readEndpoint({
  id: 'response-rules.list',
  method: 'GET',
  path: '/response-rules',
  permission: 'response-rules:read',
  summary: 'List rules that react to what happens to keys',
  description: 'In the order of their ids. All that fit act, in the order of their positions.',
  cli: { verb: 'response-rules list', columns: ['id', 'position', 'name', 'state', 'when', 'actions', 'undoAfter'] },
  params: none,
  query: z.strictObject(pageFields),
  response: pageOf(ruleView),
  handler: async (ctx, { query }) => {
    const page = pageOfArray(await ctx.workspace.responseRules.all(), pageRequest(query));
    return { items: page.items.map(viewRule), next: page.next };
  },
});

const get = readEndpoint({
  id: 'response-rules.get',
  method: 'GET',
  path: '/response-rules/:id',
  permission: 'response-rules:read',
  summary: 'Show a rule that reacts to what happens to keys',
  description: 'As it is in force.',
  cli: { verb: 'response-rules show' },
  params,
  query: none,
  response: ruleView,
  errors: ['not_found'],
  handler: async (ctx, input) => viewRule(await requireRule(ctx.workspace, input.params.id)),
});

const update = changeEndpoint({
  id: 'response-rules.update',
  method: 'PATCH',
  path: '/response-rules/:id',
  permission: 'response-rules:write',
  summary: 'Change a rule that reacts to what happens to keys',
  description:
    'What is omitted stays, null clears. A rule that halted goes on when its state is set. What it did stays as it is.',
  cli: { verb: 'response-rules update' },
  params,
  query: none,
  body: z.strictObject(ruleFields),
  response: ruleView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'response-rule' },
  handler: async (ctx, { params: target, body }) => {
    const before = await requireRule(ctx.workspace, target.id);
    const after = changedRule(before, body, ctx.nowMs);
    await refuseUnfit(ctx, after);
    await ctx.workspace.responseRules.update(before.id, after);
    if (before.state === 'halted' && after.state !== 'halted') await endHaltAlert(ctx, before.id);
    return change(before, after);
  },
});

const remove = changeEndpoint({
  id: 'response-rules.delete',
  method: 'DELETE',
  path: '/response-rules/:id',
  permission: 'response-rules:write',
  summary: 'Delete a rule that reacts to what happens to keys',
  description: 'What it did stays in force until it is undone or expires.',
  cli: { verb: 'response-rules delete' },
  params,
  query: none,
  body: none,
  response: ruleView,
  errors: ['not_found'],
  audit: { targetKind: 'response-rule' },
  handler: async (ctx, input) => {
    const before = await requireRule(ctx.workspace, input.params.id);
    await ctx.workspace.responseRules.delete(before.id);
    await endHaltAlert(ctx, before.id);
    return { ...change(before, before), after: null };
  },
});

const preview = changeEndpoint({
  id: 'response-rules.preview',
  method: 'POST',
  path: '/response-rules/:id/preview',
  permission: 'response-rules:read',
  summary: 'Preview a rule that reacts to what happens to keys',
  description:
    'The keys that meet its trigger at this moment, whatever its state and cooldown, and what it would do to them; nothing is done. Leaks and failures by network cannot be foreseen: use dry-run.',
  cli: { verb: 'response-rules preview' },
  params,
  query: none,
  body: none,
  response: z
    .object({
      matched: count.describe('Keys that meet the trigger.'),
      complete: z.boolean().describe('False: there was more to look at than a preview does.'),
      wouldHalt: z.boolean().describe('Whether the rule would stop before it reached them all.'),
      items: z.array(
        z.object({ kid: z.string(), name: z.string(), evidence: z.string(), actions: z.array(z.string()) }),
      ),
    })
    .meta({ id: 'ResponseRulePreview' }),
  errors: ['not_found'],
  audit: { targetKind: 'response-rule' },
  handler: async (ctx, input) => {
    const rule = await requireRule(ctx.workspace, input.params.id);
    const found = await previewRule(ctx, rule);
    return {
      ...change(rule, rule),
      // Nothing is changed, so there is nothing to write down.
      targets: [],
      answer: () => ({ ...found, wouldHalt: found.matched > rule.limitPerHour }),
    };
  },
});

/** What the form of the input alone does not tell. */
async function refuseUnfit(ctx: CallContext, { when, actions }: ResponseRuleRow): Promise<void> {
  const aboutNetworks = when.kind === 'repeated_failures' && when.per === 'network';
  if (aboutNetworks && actions.some(({ kind }) => kind !== 'notify')) {
    throw invalidField(
      'body',
      'actions',
      'can only be notify where failures are counted per network: there is no one key',
    );
  }
  for (const action of actions) {
    if (action.kind === 'rotate' && action.delivery.kind === 'webhook') {
      await receivingWebhook(ctx, action.delivery.webhookId);
    }
  }
}

function endHaltAlert({ workspace, nowMs }: CallContext, ruleId: string): Promise<void> {
  return resolveAlert(workspace, { kind: 'response_rule_halted', subjectId: ruleId }, nowMs);
}

function change(before: ResponseRuleRow | null, after: ResponseRuleRow) {
  return {
    targetId: after.id,
    before: before && viewRule(before),
    after: viewRule(after),
    propagate: { kind: 'none' } as const,
    answer: () => viewRule(after),
  };
}

async function requireRule(workspace: WorkspaceStore, ruleId: string): Promise<ResponseRuleRow> {
  const row = await workspace.responseRules.get(ruleId);
  if (row === null) throw new AppError('not_found', { message: `There is no response rule ${ruleId}.` });
  return row;
}

export const responseRules = [create, list, get, update, remove, preview] as const;
