import { z } from 'zod';
import { commitChange } from '../change.ts';
import { changeEndpoint, none, questionEndpoint } from '../contract.ts';
import { requireOpenCase, saveCase, withStep } from '../diagnosis/case-record.ts';
import { changeOwner, OWNER_CHOICES } from '../diagnosis/owner-change.ts';
import { ownerEvidence } from '../diagnosis/owner-evidence.ts';
import { reissue } from '../diagnosis/reissue.ts';
import { selfTest } from '../diagnosis/self-test.ts';
import type { SelfTest } from '../diagnosis/self-test.ts';
import { displayName, id, overlapField } from '../fields.ts';
import { caseChange, caseParams, caseView, keyOfCase, reason, viewCase } from './cases.ts';
import { testFields } from './key-test.ts';
import { email } from './people.ts';
import { requireKey } from './key-view.ts';

const step = {
  method: 'POST',
  permission: 'cases:write',
  params: caseParams,
  query: none,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'case' },
} as const;

const verifyOwner = changeEndpoint({
  ...step,
  id: 'cases.verify-owner',
  path: '/cases/:id/steps/verify-owner',
  summary: 'Step 2: verify the owner',
  description:
    'Whether the application and the people behind the key exist, are active and belong to its team; otherwise, what can be done. Where all is well, the step update-owner is not needed.',
  cli: { verb: 'cases verify-owner' },
  body: none,
  response: caseView,
  handler: async (ctx, { params }) => {
    const before = await requireOpenCase(ctx, params.id);
    const outcome = await ownerEvidence(ctx, await requireKey(ctx.workspace, keyOfCase(before)));
    const verified = withStep(ctx, before.steps, 'verify-owner', outcome);
    const update = verified.find(({ name }) => name === 'update-owner');
    const isNeedless = outcome.state === 'done' && update?.state === 'pending';
    const needless = { state: 'skipped', evidence: { because: 'the owner is sound' } } as const;
    const steps = isNeedless ? withStep(ctx, verified, 'update-owner', needless) : verified;
    return caseChange(before, await saveCase(ctx, { ...before, steps }));
  },
});

const updateOwner = changeEndpoint({
  ...step,
  id: 'cases.update-owner',
  path: '/cases/:id/steps/update-owner',
  summary: 'Step 3: change the owner',
  description:
    'reassign gives the key another application or owner; enable-application enables its application; update-person, enable-person and restore-person change the record of a person; create-person makes a new one and lets them answer for the key; join-team makes a person a member who may own keys. Done and audited as by the resource itself.',
  cli: { verb: 'cases update-owner' },
  body: z.strictObject({
    choice: z.enum(OWNER_CHOICES),
    applicationId: id.exactOptional().describe('With reassign: the application that the key will belong to.'),
    ownerId: id
      .nullable()
      .exactOptional()
      .describe('With reassign: who will answer for the key; null: nobody but its application.'),
    personId: id.exactOptional().describe('With update-person, enable-person, restore-person and join-team.'),
    name: displayName.exactOptional().describe('With create-person and update-person.'),
    email: email.exactOptional().describe('With create-person and update-person; unique in the workspace.'),
  }),
  response: caseView,
  handler: async (ctx, { params, body }) => {
    const before = await requireOpenCase(ctx, params.id);
    const change = await changeOwner(ctx, await requireKey(ctx.workspace, keyOfCase(before)), body);
    const evidence = { ...body, target: change.targetId, before: change.before, after: change.after };
    const steps = withStep(ctx, before.steps, 'update-owner', { state: 'done', evidence });
    const after = await saveCase(ctx, { ...before, steps });
    return { ...caseChange(before, after), propagate: change.propagate };
  },
});

const reissueStep = changeEndpoint({
  ...step,
  id: 'cases.reissue',
  path: '/cases/:id/steps/reissue',
  summary: 'Step 4: reissue the key',
  description:
    'rotate gives the key a new secret; replace makes a new key with the same owner, scopes and limits, for a key that cannot come back. The old secret or key is accepted for the overlap. The new key is in this answer only.',
  cli: { verb: 'cases reissue' },
  body: z.strictObject({
    mode: z.enum(['rotate', 'replace']).default('rotate'),
    overlap: overlapField
      .default('24h')
      .describe('How long the old one is still accepted, at most 90d; 0s ends it at once.'),
    reason: reason.exactOptional().describe('Why, for the audit log.'),
  }),
  response: caseView
    .extend({ key: z.string().describe('The whole key: in this answer only.') })
    .meta({ id: 'ReissuedCase' }),
  handler: async (ctx, { params, body }) => {
    const before = await requireOpenCase(ctx, params.id);
    const wish = { ...body, reason: body.reason ?? `case ${before.id}` };
    const made = await reissue(ctx, await requireKey(ctx.workspace, keyOfCase(before)), wish);
    const steps = withStep(ctx, before.steps, 'reissue', { state: 'done', evidence: made.evidence });
    const newKid = made.kid === before.kid ? before.newKid : made.kid;
    const after = await saveCase(ctx, { ...before, steps, newKid, state: 'open' });
    return {
      ...caseChange(before, after),
      reason: wish.reason,
      propagate: { kind: 'keys', kids: made.kids, wait: true } as const,
      answer: () => ({ ...viewCase(after), key: made.key }),
    };
  },
});

const test = questionEndpoint({
  id: 'cases.test',
  path: '/cases/:id/steps/test',
  permission: 'cases:write',
  summary: 'Step 5: test the key',
  description:
    'Live, like keys test, with the new key. With the whole key given and every step passed, the case is resolved.',
  cli: { verb: 'cases test' },
  params: caseParams,
  body: z.strictObject(testFields),
  response: caseView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'case' },
  handler: async (ctx, { params, body: { model, secret } }) => {
    const { kid } = await requireKey(ctx.workspace, keyOfCase(await requireOpenCase(ctx, params.id)));
    const wish = { ...(model === undefined ? {} : { model }), ...(secret === undefined ? {} : { key: secret }) };
    // Before the transaction: a call may take a while, and nobody else should wait for it.
    const told = await selfTest(ctx, await requireKey(ctx.workspace, kid), wish);
    const audited = { action: 'cases.test', targetKind: 'case' };
    const { change } = await commitChange(ctx, audited, async (tx) => {
      const before = await requireOpenCase(tx, params.id);
      const outcome = outcomeOf(told);
      const steps = withStep(tx, before.steps, 'test', outcome);
      const state = outcome.state === 'done' ? 'resolved' : 'open';
      return caseChange(before, await saveCase(tx, { ...before, steps, state }));
    });
    return change.answer(null);
  },
});

function outcomeOf({ steps, passed, complete, failed, requestId, model, kid }: SelfTest) {
  const shown = steps.map(({ name, outcome, code, text }) => ({ name, outcome, code, text }));
  const evidence = { kid, passed, complete, failed, requestId, model, steps: shown };
  return { state: passed && complete ? 'done' : 'failed', evidence } as const;
}

export const caseSteps = [verifyOwner, updateOwner, reissueStep, test] as const;
