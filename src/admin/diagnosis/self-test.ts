/** A live test of a key, step by step, up to a real call through the gateway's own port. */
import { z } from 'zod';
import type { CallRecord } from '../../calls/call-record.ts';
import { ERRORS } from '../../errors.ts';
import { explain } from '../../keys/decide.ts';
import { NO_FACTS } from '../../keys/decision-input.ts';
import type { DecisionInput } from '../../keys/decision-input.ts';
import { examineForm, withoutWrapping } from '../../keys/examine-form.ts';
import { fingerprintOf } from '../../keys/format.ts';
import { provenDelegation } from '../../keys/proven-delegation.ts';
import { findMatchingSecret } from '../../keys/secret-hash.ts';
import type { CheckGroup, CheckResult } from '../../keys/verdict.ts';
import type { CallContext } from '../contract.ts';
import type { KeyRow } from '../stores.ts';
import { actionOf, actionView } from './actions.ts';
import type { Action } from './actions.ts';
import { isErrorCode, meaningOf } from './meanings.ts';
import { whyNoModel } from './no-model.ts';
import type { NoModel } from './no-model.ts';
import { currentSecret, presentInput, workspaceNow } from './present-input.ts';
import { cheapestOf, probeCallOf } from './probe-call.ts';
import type { ProbeCall } from './probe-call.ts';
import { viewReach } from './reach.ts';
import { SIGNED_RIGHT, unsignedText, verifySigned } from './signed-key.ts';

const stepName = z.enum(['form', 'exists', 'secret', 'life-cycle', 'owner', 'scope', 'limits', 'call', 'upstream']);

export const selfTestStep = z
  .object({
    name: stepName,
    outcome: z.enum(['pass', 'fail', 'skipped']),
    code: z.string().nullable(),
    text: z.string(),
    actions: z.array(actionView),
    ms: z.number().describe('How long it took.'),
  })
  .meta({ id: 'SelfTestStep' });

export const selfTestView = z
  .object({
    kid: z.string(),
    fingerprint: z.string(),
    passed: z.boolean().describe('Whether no step failed.'),
    complete: z.boolean().describe('Whether a real call was made: for that the whole key is needed.'),
    failed: stepName.nullable().describe('The first step that failed.'),
    model: z.string().nullable().describe('What was called, or would be.'),
    requestId: z.string().nullable().describe('Of the call that was made; it has a record like any other.'),
    steps: z.array(selfTestStep),
  })
  .meta({ id: 'SelfTest' });

export type SelfTest = z.input<typeof selfTestView>;
type Step = z.input<typeof selfTestStep>;
type Finding = Omit<Step, 'name' | 'ms'>;

export interface SelfTestWish {
  readonly model?: string;
  /** The whole key: never kept. */
  readonly key?: string;
}

/** Where a test call comes from, as the gateway sees it. */
const OWN_ADDRESS = '127.0.0.1';
/** A record is written a moment after its call. */
const RECORD_WAIT_MS = 5_000;
const RECORD_LOOK_MS = 50;

/** `tell` is called with each step once it is done. */
export async function selfTest(
  ctx: CallContext,
  row: KeyRow,
  wish: SelfTestWish,
  tell: (step: Step) => void = () => undefined,
): Promise<SelfTest> {
  const steps: Step[] = [];
  const step = async (name: Step['name'], work: () => Finding | Promise<Finding>): Promise<Finding> => {
    const startedAt = performance.now();
    const finding = await work();
    const done = { name, ...finding, ms: Math.round((performance.now() - startedAt) * 100) / 100 };
    steps.push(done);
    tell(done);
    return finding;
  };
  const { key } = wish;
  const text = key === undefined ? null : examineForm(key);
  await step('form', () => (text === null ? skipped('The key itself was not given.') : formOf(text)));
  await step('exists', () => pass(`The key is "${row.name}".`));
  const { parsed: secret = null, delegated = null } = text ?? {};
  const matched = secret === null ? null : findMatchingSecret(ctx.deps.hasher, row.secrets, secret.secret);
  const proof = delegated === null ? null : verifySigned(ctx, row, delegated.text);
  const signed = proof === null ? null : provenDelegation(proof);
  await step('secret', () => {
    if (proof !== null) return signatureFinding(row, proof);
    if (secret === null) return skipped('No whole key to compare.');
    if (fingerprintOf(secret) !== fingerprintOf(row))
      return fail('secret_mismatch', 'The key that was given is another one.');
    return matched === null
      ? fail('secret_mismatch', meaningOf('secret_mismatch').means)
      : pass(`The secret is ${matched.state}.`);
  });
  const plan = await planOf(ctx, row, wish.model, { matchedSecret: matched ?? currentSecret(row), delegated: signed });
  await step('life-cycle', () => groupFinding(plan, ['life-cycle']));
  await step('owner', () => groupFinding(plan, ['owner']));
  await step('scope', () => scopeFinding(plan));
  await step('limits', () => groupFinding(plan, ['rate', 'concurrency', 'quota', 'budget']));
  const reason = whyNoCall(steps, plan, key);
  const tried: { made?: MadeCall } = {};
  await step('call', async () => {
    if (reason !== null) return skipped(reason);
    tried.made = await makeCall(ctx, plan.probe, key ?? '', row);
    return tried.made.call;
  });
  await step('upstream', () => tried.made?.upstream ?? skipped('No call was made.'));
  return {
    kid: row.kid,
    fingerprint: fingerprintOf(row),
    passed: steps.every(({ outcome }) => outcome !== 'fail'),
    complete: tried.made !== undefined,
    failed: steps.find(({ outcome }) => outcome === 'fail')?.name ?? null,
    model: plan.model,
    requestId: tried.made?.requestId ?? null,
    steps,
  };
}

interface Plan {
  readonly input: DecisionInput;
  readonly checks: readonly CheckResult[];
  readonly model: string | null;
  readonly probe: ProbeCall | null;
  /** Where no listed model may be called. */
  readonly noModel: NoModel | null;
}

/** What will be called, and what the engine says of it. */
async function planOf(
  ctx: CallContext,
  row: KeyRow,
  wished: string | undefined,
  proven: Pick<Parameters<typeof presentInput>[2], 'matchedSecret' | 'delegated'>,
): Promise<Plan> {
  const workspace = workspaceNow(ctx);
  const call = { facts: { ...NO_FACTS, address: OWN_ADDRESS, session: row.binding }, ...proven };
  const bare = await presentInput(ctx, row, call);
  const listed = workspace && cheapestOf(workspace, viewReach(ctx, bare).models);
  const noModel = workspace === null || listed !== null ? null : whyNoModel(workspace, bare);
  const model = wished ?? listed ?? (noModel?.kind === 'unlisted' ? unlistedOne(noModel.names) : null);
  const probe = workspace === null || model === null ? null : probeCallOf(workspace, model);
  const facts = { ...call.facts, requestedModel: model, operation: 'chat', method: 'POST', path: probe?.path ?? '/' };
  const input = await presentInput(ctx, row, { facts, ...proven });
  return { input, checks: explain(input).trace?.checks ?? [], model, probe, noModel };
}

/** A pattern is no name of a model. */
function unlistedOne(names: readonly string[]): string | null {
  return names.find((name) => !name.includes('*')) ?? null;
}

function formOf({ code, sentences }: ReturnType<typeof examineForm>): Finding {
  return code === null ? pass(sentences.join(' ')) : fail(code, sentences.join(' '));
}

function signatureFinding(row: KeyRow, proof: ReturnType<typeof verifySigned>): Finding {
  if (provenDelegation(proof) !== null) return pass(SIGNED_RIGHT);
  const { code, text } = unsignedText(row, proof);
  return fail(code, text);
}

function groupFinding({ checks, input }: Plan, groups: readonly CheckGroup[], except: readonly string[] = []): Finding {
  const asked = checks.filter(
    ({ group, outcome, name }) => groups.includes(group) && outcome !== 'skipped' && !except.includes(name),
  );
  const failed = asked.filter(({ outcome }) => outcome === 'fail');
  const first = failed[0];
  if (first === undefined) return pass([...new Set(asked.map(({ detail }) => detail))].join('; '));
  const text = failed.map(({ detail, wouldPassIf }) => `${detail}; would pass if ${wouldPassIf}`).join('. ');
  const actions = failed.flatMap(({ fix, whoCanChange }) => (fix === null ? [] : [actionOf(fix, input, whoCanChange)]));
  return { outcome: 'fail', code: first.code, text: `${text}.`, actions };
}

/** Where the key may be used from is no fault of it: it only cannot be tried from here. */
const PLACE = ['address', 'country'];

function scopeFinding(plan: Plan): Finding {
  if (plan.model === null) return noModelFinding(plan);
  if (plan.probe === null) return fail('model_not_found', `There is no model ${plan.model} here.`);
  return groupFinding(plan, ['subscription', 'scope', 'address'], PLACE);
}

function noModelFinding({ noModel }: Plan): Finding {
  switch (noModel?.kind) {
    case 'unlisted':
      return fail(
        'model_missing',
        `No model that the key may call is listed. Name one of: ${noModel.names.join(', ')}.`,
      );
    case 'nothing':
      return { ...fail(noModel.code, 'There is no model that the key may call.'), actions: noModel.actions };
    default:
      return fail('not_subscribed', 'There is no model that the key may call.');
  }
}

function whyNoCall(steps: readonly Step[], { checks }: Plan, key: string | undefined): string | null {
  if (key === undefined) return 'A real call needs the whole key.';
  const failed = steps.find(({ outcome }) => outcome === 'fail');
  if (failed !== undefined) return `Not tried, as ${failed.name} failed.`;
  const elsewhere = checks.find(({ name, outcome }) => PLACE.includes(name) && outcome === 'fail');
  return elsewhere === undefined
    ? null
    : `The key may not be used from this machine: ${elsewhere.detail}. Try it from there.`;
}

interface MadeCall {
  readonly call: Finding;
  readonly upstream: Finding;
  readonly requestId: string | null;
}

async function makeCall(ctx: CallContext, probe: ProbeCall | null, key: string, row: KeyRow): Promise<MadeCall> {
  const session = row.binding === null ? {} : { 'x-keyward-session': row.binding };
  const headers = { ...probe?.headers, ...session, authorization: `Bearer ${withoutWrapping(key)}` };
  try {
    const reply = await ctx.deps.gateway.post({ path: probe?.path ?? '/', headers, body: probe?.body ?? '' });
    const record = reply.requestId === null ? null : await recordOfCall(ctx, reply.requestId);
    return { ...outcomesOf(reply.status, record?.code ?? null), requestId: reply.requestId };
  } catch (error) {
    ctx.deps.log.error({ err: error, requestId: ctx.requestId }, 'the gateway could not be called for a test');
    return { ...outcomesOf(0, 'internal_error'), requestId: null };
  }
}

async function recordOfCall(ctx: CallContext, requestId: string): Promise<CallRecord | null> {
  const deadline = performance.now() + RECORD_WAIT_MS;
  for (;;) {
    for (const workspaceId of [ctx.workspace.workspaceId, null]) {
      const { items } = await ctx.deps.calls.list(workspaceId, { cursor: null, limit: 1 }, { requestId });
      if (items[0] !== undefined) return items[0];
    }
    if (performance.now() > deadline) return null;
    await new Promise((resolve) => setTimeout(resolve, RECORD_LOOK_MS));
  }
}

/** Up to the provider it is a matter of the key; behind that of the provider. */
function outcomesOf(status: number, code: string | null): { readonly call: Finding; readonly upstream: Finding } {
  if (code === 'ok') {
    return { call: pass('The gateway let the call through.'), upstream: pass(`The provider answered ${status}.`) };
  }
  if (code === null) {
    const text = `The gateway answered ${status}, and there is no record of the call yet.`;
    return { call: fail(null, text), upstream: skipped('It is not known how the call went.') };
  }
  const { means, todo } = meaningOf(code);
  const finding = fail(code, [means, ...todo].join(' '));
  const isUpstream = isErrorCode(code) && ERRORS[code].group === 'upstream';
  return isUpstream
    ? { call: pass('The gateway let the call through.'), upstream: finding }
    : { call: finding, upstream: skipped('The call did not get there.') };
}

function pass(text: string): Finding {
  return { outcome: 'pass', code: null, text, actions: [] };
}

function fail(code: string | null, text: string, actions: Action[] = []): Finding {
  return { outcome: 'fail', code, text, actions };
}

function skipped(text: string): Finding {
  return { outcome: 'skipped', code: null, text, actions: [] };
}
