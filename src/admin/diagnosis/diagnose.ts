/** Everything that can be found out about a key, from whatever there is of it. */
import { z } from 'zod';
import type { CallRecord } from '../../calls/call-record.ts';
import { explain } from '../../keys/decide.ts';
import { NO_FACTS } from '../../keys/decision-input.ts';
import type { DecisionInput } from '../../keys/decision-input.ts';
import { examineForm } from '../../keys/examine-form.ts';
import type { FormFinding } from '../../keys/examine-form.ts';
import { fingerprintOf } from '../../keys/format.ts';
import type { KeySecret } from '../../keys/key-record.ts';
import { acceptedUntilMs } from '../../keys/rotate.ts';
import { findMatchingSecret } from '../../keys/secret-hash.ts';
import { childOf } from '../../keys/standing.ts';
import type { CheckGroup } from '../../keys/verdict.ts';
import type { ProvenDelegation } from '../../keys/proven-delegation.ts';
import { provenDelegation } from '../../keys/proven-delegation.ts';
import { limitAmount, limitName } from '../../keys/limit-words.ts';
import type { CallContext } from '../contract.ts';
import { iso } from '../fields.ts';
import type { KeyRow } from '../stores.ts';
import { actionOf, actionView } from './actions.ts';
import type { Action } from './actions.ts';
import { explainCall } from './explain-call.ts';
import { requireCall } from './find-call.ts';
import { meaningOf } from './meanings.ts';
import { whyNoModel } from './no-model.ts';
import { currentSecret, presentInput, workspaceNow } from './present-input.ts';
import { SIGNED_RIGHT, unsignedText, verifySigned } from './signed-key.ts';
import { limitView, reachView, viewLimit, viewReach } from './reach.ts';
import { failureView, recentCalls, recentCallView } from './recent-calls.ts';

const named = z.string().nullable();

export const findingView = z
  .object({
    about: z.enum(['form', 'existence', 'secret', 'life-cycle', 'owner', 'reach', 'limits', 'call']),
    outcome: z.enum(['pass', 'fail', 'note']),
    code: named,
    text: z.string(),
    actions: z.array(actionView),
  })
  .meta({ id: 'Finding' });

export type Finding = z.input<typeof findingView>;

export const diagnosisView = z
  .object({
    fingerprint: named.describe('Of the key that was meant, where that could be read.'),
    works: z
      .boolean()
      .nullable()
      .describe(
        'Whether nothing was found against it; null where its secret was not given, or it may call only models that are not listed.',
      ),
    findings: z.array(findingView),
    about: z
      .object({
        kid: z.string(),
        name: z.string(),
        state: z.string(),
        applicationId: z.string(),
        applicationName: named,
        ownerId: named,
      })
      .nullable()
      .describe('The key, where it is one of this workspace.'),
    reach: reachView.nullable(),
    limits: z.array(limitView),
    lastCalls: z.array(recentCallView),
    failures: z.array(failureView).describe('What failed in the last 30 days, by code, also with a wrong secret.'),
  })
  .meta({ id: 'Diagnosis' });

export type Diagnosis = z.input<typeof diagnosisView>;

export interface Handle {
  /** The whole text: never kept. */
  readonly key?: string;
  /** A kid or a fingerprint. */
  readonly fingerprint?: string;
  readonly requestId?: string;
}

interface Identified {
  readonly form: FormFinding | null;
  readonly fingerprint: string | null;
  readonly row: KeyRow | null;
  readonly record: CallRecord | null;
}

export async function identify(ctx: CallContext, { key, fingerprint, requestId }: Handle): Promise<Identified> {
  if (requestId !== undefined) {
    const { record, row } = await requireCall(ctx, requestId);
    return { form: null, fingerprint: record.keyFingerprint, row, record };
  }
  const form = key === undefined ? null : examineForm(key);
  const parsed = form?.parsed ?? null;
  const meant = parsed === null ? (form?.fingerprint ?? fingerprint ?? null) : fingerprintOf(parsed);
  const row = meant === null ? null : await ctx.workspace.keys.get(meant.slice(-12));
  return { form, fingerprint: meant, row, record: null };
}

export async function diagnose(ctx: CallContext, handle: Handle): Promise<Diagnosis> {
  const { form, fingerprint, row, record } = await identify(ctx, handle);
  const findings = form === null ? [] : [formFinding(form)];
  const { parsed = null, delegated = null } = form ?? {};
  if (row === null) {
    // The same work as for a key that is there.
    if (parsed !== null) ctx.deps.hasher.matchDummy(parsed.secret);
    const isWhole = parsed !== null || delegated !== null;
    findings.push(...missing(fingerprint, isWhole), ...(record === null ? [] : [callFinding(record, [])]));
    return { fingerprint, works: false, findings, about: null, reach: null, limits: [], lastCalls: [], failures: [] };
  }
  findings.push(found('existence', `There is a key of that id: "${row.name}", ${row.environment}.`));
  const proof = parsed === null ? null : prove(ctx, row, parsed.secret, fingerprint);
  const signed = delegated === null ? null : proveSigned(ctx, row, delegated.text);
  const proving = proof?.finding ?? signed?.finding;
  if (proving !== undefined) findings.push(proving);
  const matchedSecret = proof?.secret ?? currentSecret(row);
  const input = await presentInput(ctx, row, { facts: NO_FACTS, matchedSecret, delegated: signed?.proven ?? null });
  const reach = viewReach(ctx, input);
  const reached = reachFinding(ctx, reach, input);
  findings.push(
    ...standingFindings(input),
    reached.finding,
    ...limitFindings(input),
    ...placeFindings(ctx, input, signed?.proven ?? null),
  );
  if (record !== null) findings.push(await pastCallFinding(ctx, record, row));
  const application = await ctx.workspace.applications.get(row.applicationId);
  // A key that was mistyped stays mistyped, whatever is known of the one that was meant.
  const failing = findings.some(({ outcome }) => outcome === 'fail');
  return {
    fingerprint: fingerprintOf(row),
    works: failing ? false : proving === undefined || !reached.isKnown ? null : true,
    findings,
    about: {
      kid: row.kid,
      name: row.name,
      state: row.state,
      applicationId: row.applicationId,
      applicationName: application?.name ?? null,
      ownerId: row.ownerId ?? application?.ownerId ?? null,
    },
    reach,
    limits: (input.limits ?? []).map(viewLimit),
    ...(await recentCalls(ctx, row.kid)),
  };
}

function found(about: Finding['about'], text: string, outcome: Finding['outcome'] = 'pass'): Finding {
  return { about, outcome, code: null, text, actions: [] };
}

function formFinding({ code, sentences }: FormFinding): Finding {
  return { about: 'form', outcome: code === null ? 'pass' : 'fail', code, text: sentences.join(' '), actions: [] };
}

/** One text for all that is not here, wherever else it may be. */
function missing(fingerprint: string | null, isWhole: boolean): readonly Finding[] {
  if (fingerprint === null) return [];
  const text = isWhole ? meaningOf('unknown_key').means : 'There is no key of that id in this workspace.';
  return [{ about: 'existence', outcome: 'fail', code: 'unknown_key', text, actions: [] }];
}

function prove(
  ctx: CallContext,
  row: KeyRow,
  secret: string,
  fingerprint: string | null,
): { readonly secret: KeySecret | null; readonly finding: Finding } {
  const matched = findMatchingSecret(ctx.deps.hasher, row.secrets, secret);
  if (matched === null) {
    const rotate: Action = {
      kind: 'rotate-key',
      what: `Where nobody has the present secret of ${row.kid} any more: rotate the key.`,
      who: 'key owner',
      request: { method: 'POST', path: `/keys/${row.kid}/rotate`, body: {} },
    };
    const text = meaningOf('secret_mismatch').means;
    return {
      secret: null,
      finding: { about: 'secret', outcome: 'fail', code: 'secret_mismatch', text, actions: [rotate] },
    };
  }
  if (fingerprint !== fingerprintOf(row)) {
    const text = `The key is for ${row.environment}, and was written as one for the other environment.`;
    return {
      secret: matched,
      finding: { about: 'secret', outcome: 'fail', code: 'wrong_environment', text, actions: [] },
    };
  }
  return { secret: matched, finding: found('secret', secretText(matched, row.expiresAtMs)) };
}

function proveSigned(
  ctx: CallContext,
  row: KeyRow,
  text: string,
): { readonly proven: ProvenDelegation | null; readonly finding: Finding } {
  const proof = verifySigned(ctx, row, text);
  const proven = provenDelegation(proof);
  if (proven !== null) return { proven, finding: found('secret', SIGNED_RIGHT) };
  const { code, text: why } = unsignedText(row, proof);
  return { proven, finding: { about: 'secret', outcome: 'fail', code, text: why, actions: [] } };
}

function secretText(secret: KeySecret, expiresAtMs: number | null): string {
  const { state } = secret;
  if (state === 'current') return 'The secret is the present one of the key.';
  const untilMs = acceptedUntilMs(secret, expiresAtMs);
  const until = untilMs === null ? '' : `, accepted until ${iso(untilMs)}`;
  return state === 'retiring' ? `The secret was replaced${until}.` : 'The secret was replaced without an overlap.';
}

const GROUPS: readonly (readonly [about: Finding['about'], group: CheckGroup, sound: string])[] = [
  ['life-cycle', 'life-cycle', 'Nothing in its life stands against it'],
  ['owner', 'owner', 'Everybody behind it is there and active'],
];

function standingFindings(input: DecisionInput): readonly Finding[] {
  const checks = explain(input).trace?.checks ?? [];
  return GROUPS.flatMap(([about, group, sound]) => {
    const asked = checks.filter((check) => check.group === group && check.outcome !== 'skipped');
    const failed = asked.filter(({ outcome }) => outcome === 'fail');
    if (failed.length === 0) return [found(about, `${sound}: ${asked.map(({ detail }) => detail).join('; ')}.`)];
    return failed.map(({ code, detail, wouldPassIf, whoCanChange, fix }) => ({
      about,
      outcome: 'fail' as const,
      code,
      text: `${detail}; a call would pass if ${wouldPassIf}.`,
      actions: fix === null ? [] : [actionOf(fix, input, whoCanChange)],
    }));
  });
}

/** `isKnown`: nobody but a provider can tell what it does not list. */
function reachFinding(
  ctx: CallContext,
  { modelCount, narrowedBy }: NonNullable<Diagnosis['reach']>,
  input: DecisionInput,
): { readonly finding: Finding; readonly isKnown: boolean } {
  const { key, application } = input.standing;
  const { problem } = key;
  if (problem !== null) {
    const text = `Its constraints cannot be understood, so it may do nothing: ${problem}.`;
    const finding: Finding = { about: 'reach', outcome: 'fail', code: 'configuration_error', text, actions: [] };
    return { finding, isKnown: true };
  }
  const scopes = narrowedBy.map(({ level, scope }) => `${scope} (${level})`).join(', ') || 'nothing';
  if (modelCount > 0) {
    return {
      finding: found('reach', `It may call ${modelCount} of the models; narrowed by: ${scopes}.`),
      isKnown: true,
    };
  }
  const none = `It may call none of the models that there are; narrowed by: ${scopes}.`;
  const workspace = workspaceNow(ctx);
  // Without them nothing can be called, which is told of the owner.
  if (workspace === null || application === null) return { finding: found('reach', none, 'note'), isKnown: true };
  const why = whyNoModel(workspace, input);
  switch (why.kind) {
    case 'unlisted':
      return { finding: unlisted(why.names, key.record.kid), isKnown: false };
    case 'services':
      return { finding: found('reach', `${none} It may call services: ${why.names.join(', ')}.`), isKnown: true };
    case 'nothing': {
      const { code, actions } = why;
      return { finding: { about: 'reach', outcome: 'fail', code, text: none, actions }, isKnown: true };
    }
  }
}

function unlisted(names: readonly string[], kid: string): Finding {
  const text = `It may call none of the models that are listed here, only what their providers may know besides: ${names.join(', ')}.`;
  const model = names.find((name) => !name.includes('*'));
  const what = `Find out whether the provider has it: keys test ${kid} --model ${model ?? 'provider/name'}.`;
  const body = { model };
  const request = model === undefined ? null : ({ method: 'POST', path: `/keys/${kid}/test`, body } as const);
  return {
    ...found('reach', text, 'note'),
    actions: [{ kind: 'test-key', what, who: 'key owner', request }],
  };
}

function limitFindings(input: DecisionInput): readonly Finding[] {
  const { limits } = input;
  if (limits === null || limits.length === 0) return [found('limits', 'It has no limits of its own.')];
  const full = limits.filter(({ used, needed, limit }) => used + needed > limit);
  if (full.length === 0) return [found('limits', 'One more call fits into every limit.')];
  const checks = explain(input).trace?.checks ?? [];
  return full.map(({ name, kind, used, limit, soft, retryAfterMs }) => {
    const state = `${limitName(name)}: ${limitAmount(name, used)} of ${limitAmount(name, limit)} used`;
    if (soft) return found('limits', `${state}; it refuses nothing.`, 'note');
    const wait = retryAfterMs === null ? '' : `; one more fits in ${Math.ceil(retryAfterMs / 1000)} s`;
    const code = checks.find((check) => check.name === kind)?.code ?? null;
    return { about: 'limits', outcome: 'fail', code, text: `${state}${wait}.`, actions: [] };
  });
}

/** A delegated key needs a place among those of its key before anything of it is counted. */
function placeFindings(
  { deps, nowMs }: CallContext,
  { standing }: DecisionInput,
  delegated: ProvenDelegation | null,
): readonly Finding[] {
  if (delegated === null) return [];
  const child = childOf(delegated.claims, standing.key.record.minting);
  if (deps.keyLimits.bind(standing, child).hasPlace(nowMs)) return [];
  const { means, todo } = meaningOf('keys_exhausted');
  return [{ about: 'limits', outcome: 'fail', code: 'keys_exhausted', text: [means, ...todo].join(' '), actions: [] }];
}

function callFinding({ requestId, code }: CallRecord, actions: Action[], now = ''): Finding {
  const text = `The call ${requestId} ended with ${code}: ${meaningOf(code).means}${now}`;
  return { about: 'call', outcome: 'note', code, text, actions };
}

async function pastCallFinding(ctx: CallContext, record: CallRecord, row: KeyRow): Promise<Finding> {
  const { now } = await explainCall(ctx, { record, row });
  const sentence =
    now === null ? '' : now.allowed ? ' The same call would pass now.' : ` Now it would be refused with ${now.code}.`;
  return callFinding(record, now?.wayOut.actions ?? [], sentence);
}
