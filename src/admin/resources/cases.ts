import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { nextStep, pendingSteps, requireCase, requireOpenCase, saveCase, withStep } from '../diagnosis/case-record.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import { id, iso, isoOrNull, mapPage, pageFields, pageOf, pageRequest, time } from '../fields.ts';
import { newId } from '../new-id.ts';
import type { CaseRow } from '../stores.ts';
import { handleFields, isOneHandle, ONE_HANDLE } from './diagnose.ts';
import { keyRef, kidOf } from './key-view.ts';

const stepName = z.enum(['identify', 'verify-owner', 'update-owner', 'reissue', 'test']);

export const caseView = z
  .object({
    id: z.string(),
    kid: z.string().describe('The key that does not work.'),
    newKid: z.string().nullable().describe('The key that took its place; null: the same goes on.'),
    state: z.enum(['open', 'resolved', 'closed']).describe('resolved: the last step passed.'),
    next: stepName.nullable().describe('The step that comes next; null when none is left.'),
    steps: z.array(
      z.object({
        name: stepName,
        state: z.enum(['pending', 'done', 'failed', 'skipped']),
        actor: z.string().nullable(),
        at: time.nullable(),
        attempts: z.int(),
        evidence: z.record(z.string(), z.unknown()).nullable().describe('What was found or done.'),
      }),
    ),
    openedBy: z.string(),
    closedReason: z.string().nullable(),
    revision: z.int(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Case' });

export const caseParams = z.strictObject({ id });
export const reason = z.string().trim().min(1).max(500);

const open = changeEndpoint({
  id: 'cases.open',
  method: 'POST',
  path: '/cases',
  permission: 'cases:write',
  summary: 'Open a case for a key that does not work',
  description:
    'From the whole key, its fingerprint or a request id. The first step identifies the key, its application, its owner and the calls that failed; the others are verify-owner, update-owner, reissue and test, each taken when it suits. What each found is kept.',
  cli: { verb: 'cases open' },
  params: none,
  query: none,
  body: z.strictObject(handleFields).refine(isOneHandle, ONE_HANDLE),
  response: caseView,
  status: 201,
  errors: ['not_found'],
  audit: { targetKind: 'case' },
  handler: async (ctx, { body }) => {
    const { about, fingerprint, works, findings, failures, lastCalls } = await diagnose(ctx, body);
    if (about === null) {
      throw new AppError('not_found', {
        message:
          'There is no such key in this workspace. Diagnose what you have of it: that tells what the text alone can.',
      });
    }
    const problems = findings
      .filter(({ outcome }) => outcome === 'fail')
      .map(({ about: what, code, text }) => ({ about: what, code, text }));
    const evidence = { ...about, fingerprint, works, problems, failures, lastCalls };
    const row: CaseRow = {
      id: newId('case', ctx.nowMs),
      kid: about.kid,
      newKid: null,
      state: 'open',
      openedBy: ctx.principal.actor,
      steps: withStep(ctx, pendingSteps(), 'identify', { state: 'done', evidence }),
      closedReason: null,
      revision: 1,
      createdAtMs: ctx.nowMs,
      updatedAtMs: ctx.nowMs,
    };
    await ctx.workspace.cases.insert(row);
    return caseChange(null, row);
  },
});

const list = readEndpoint({
  id: 'cases.list',
  method: 'GET',
  path: '/cases',
  permission: 'cases:read',
  summary: 'List cases',
  description: 'Newest first.',
  cli: { verb: 'cases list', columns: ['id', 'kid', 'newKid', 'state', 'next', 'openedBy', 'createdAt'] },
  params: none,
  query: z.strictObject({
    state: caseView.shape.state.exactOptional(),
    key: keyRef.exactOptional(),
    ...pageFields,
  }),
  response: pageOf(caseView),
  handler: async (ctx, { query: { key, state, ...page } }) => {
    const filter = {
      ...(state === undefined ? {} : { state }),
      ...(key === undefined ? {} : { kid: kidOf(key) }),
    };
    return mapPage(await ctx.workspace.cases.list(pageRequest(page), filter), viewCase);
  },
});

const get = readEndpoint({
  id: 'cases.get',
  method: 'GET',
  path: '/cases/:id',
  permission: 'cases:read',
  summary: 'Show a case',
  description: 'With every step: its state, who took it when, and what it found.',
  cli: { verb: 'cases show' },
  params: caseParams,
  query: none,
  response: caseView,
  errors: ['not_found'],
  handler: async (ctx, { params }) => viewCase(await requireCase(ctx, params.id)),
});

const close = changeEndpoint({
  id: 'cases.close',
  method: 'POST',
  path: '/cases/:id/close',
  permission: 'cases:write',
  summary: 'Close a case',
  description: 'With a reason. A case that is closed takes no further step.',
  cli: { verb: 'cases close' },
  params: caseParams,
  query: none,
  body: z.strictObject({ reason: reason.describe('Why, for the audit log and for whoever looks at the case.') }),
  response: caseView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'case' },
  handler: async (ctx, { params, body }) => {
    const before = await requireOpenCase(ctx, params.id);
    const after = await saveCase(ctx, { ...before, state: 'closed', closedReason: body.reason });
    return { ...caseChange(before, after), reason: body.reason };
  },
});

/** A change of a case that concerns nobody else. */
export function caseChange(before: CaseRow | null, after: CaseRow) {
  return {
    targetId: after.id,
    before: before && viewCase(before),
    after: viewCase(after),
    propagate: { kind: 'none' } as const,
    answer: () => viewCase(after),
  };
}

export function viewCase(row: CaseRow): z.input<typeof caseView> {
  return {
    id: row.id,
    kid: row.kid,
    newKid: row.newKid,
    state: row.state,
    next: nextStep(row),
    steps: row.steps.map(({ atMs, ...step }) => ({
      ...step,
      evidence: step.evidence && { ...step.evidence },
      at: isoOrNull(atMs),
    })),
    openedBy: row.openedBy,
    closedReason: row.closedReason,
    revision: row.revision,
    createdAt: iso(row.createdAtMs),
    updatedAt: iso(row.updatedAtMs),
  };
}

/** The key that a case is about now. */
export function keyOfCase({ kid, newKid }: CaseRow): string {
  return newKid ?? kid;
}

export const cases = [open, list, get, close] as const;
