/** The record of a call in words: what was asked, what was answered and why, and how it would go now. */
import { z } from 'zod';
import type { CallRecord } from '../../calls/call-record.ts';
import { readDecision } from '../../keys/decision-log.ts';
import type { ReadDecision } from '../../keys/decision-log.ts';
import { NO_FACTS } from '../../keys/decision-input.ts';
import type { RequestFacts } from '../../keys/decision-input.ts';
import type { KeySecret } from '../../keys/key-record.ts';
import type { CallContext } from '../contract.ts';
import { iso, time } from '../fields.ts';
import type { KeyRow } from '../stores.ts';
import { decisionView, viewDecision } from './decision-view.ts';
import type { FoundCall } from './find-call.ts';
import { meaningOf } from './meanings.ts';
import { currentSecret, presentInput } from './present-input.ts';

const named = z.string().nullable();

export const explanationView = z
  .object({
    requestId: z.string(),
    at: time,
    status: z.int(),
    code: z.string().describe('`ok`, or the code of the error that ended the call.'),
    summary: z.string().describe('Who asked for what, and what was answered.'),
    means: z.string(),
    todo: z.array(z.string()),
    caller: z.object({
      fingerprint: named,
      kid: named,
      name: named.describe('Null where no key of this workspace was named.'),
      state: named,
      applicationId: named,
      applicationName: named,
      ownerId: named,
      address: z.string(),
      country: named,
      userAgent: named,
      session: named,
    }),
    asked: z.object({
      method: z.string(),
      path: z.string(),
      operation: named,
      model: named.describe('As the caller named it.'),
    }),
    upstream: z
      .object({
        provider: z.string(),
        model: named,
        credentialId: named,
        status: z.number().nullable(),
        code: named.describe("The provider's own code or type of the error that it told last."),
        requestId: named,
        attempts: z.int(),
      })
      .nullable(),
    configVersion: z.int().describe('Of the configuration that decided.'),
    decision: decisionView
      .extend({
        replayed: z.literal(true),
        sameCode: z.boolean().describe('Whether deciding again on what was logged gives the code of the record.'),
      })
      .meta({ id: 'ReplayedDecision' })
      .nullable()
      .describe('Where the engine refused: the decision, made again on what was logged.'),
    decisionNote: named.describe('Why there is none, or none that can be repeated.'),
    now: decisionView
      .extend({ assumes: z.string(), configVersion: z.int() })
      .meta({ id: 'PresentDecision' })
      .nullable()
      .describe('The same call, decided on the present state; null where its key is not there.'),
  })
  .meta({ id: 'Explanation' });

export async function explainCall(
  ctx: CallContext,
  { record, row }: FoundCall,
): Promise<z.input<typeof explanationView>> {
  const read = record.decision === null ? null : readDecision(record.decision);
  const { means, todo } = meaningOf(record.code);
  const applicationId = record.applicationId ?? row?.applicationId ?? null;
  const application = applicationId === null ? null : await ctx.workspace.applications.get(applicationId);
  const name = row === null ? '' : ` "${row.name}"`;
  return {
    requestId: record.requestId,
    at: iso(record.startedAtMs),
    status: record.status,
    code: record.code,
    summary: summaryOf(record, name, application?.name ?? null),
    means,
    todo: [...todo],
    caller: {
      fingerprint: record.keyFingerprint,
      kid: row?.kid ?? record.kid,
      name: row?.name ?? null,
      state: row?.state ?? null,
      applicationId,
      applicationName: application?.name ?? null,
      ownerId: record.ownerId ?? row?.ownerId ?? null,
      address: record.clientAddress,
      country: record.country,
      userAgent: record.userAgent,
      session: record.session,
    },
    asked: {
      method: record.method,
      path: record.path,
      operation: record.operation,
      model: record.requestedModel,
    },
    upstream: upstreamOf(record),
    configVersion: record.configVersion,
    ...replay(record, read),
    now: row === null ? null : await decideNow(ctx, record, row, read),
  };
}

function summaryOf(record: CallRecord, name: string, application: string | null): string {
  const who =
    record.keyFingerprint === null ? 'A caller without a readable key' : `The key ${record.keyFingerprint}${name}`;
  const of = application === null ? '' : ` of the application "${application}"`;
  const model = record.requestedModel === null ? '' : ` for the model ${record.requestedModel}`;
  const answer = record.code === 'ok' ? `${record.status}` : `${record.status} ${record.code}`;
  return `${who}${of} asked ${record.method} ${record.path}${model} from ${record.clientAddress}, and was answered ${answer}.`;
}

function upstreamOf(record: CallRecord): z.input<typeof explanationView>['upstream'] {
  if (record.provider === null) return null;
  return {
    provider: record.provider,
    model: record.model,
    credentialId: record.credentialId,
    status: record.upstreamStatus,
    code: record.upstreamCode,
    requestId: record.upstreamRequestId,
    attempts: record.attempts,
  };
}

export function replay(
  { code }: { readonly code: string },
  read: ReadDecision | null,
): Pick<z.input<typeof explanationView>, 'decision' | 'decisionNote'> {
  if (read === null) return { decision: null, decisionNote: noteOf(code) };
  if (!read.ok) return { decision: null, decisionNote: `The decision cannot be shown because ${read.reason}.` };
  if (!read.whole) {
    const decisionNote =
      'The decision cannot be repeated: what it was made on was too long, or held a key, and was cut.';
    return { decision: null, decisionNote };
  }
  const decision = viewDecision(read.input);
  return { decision: { ...decision, replayed: true, sameCode: decision.code === code }, decisionNote: null };
}

function noteOf(code: string): string {
  return code === 'ok'
    ? 'Nothing is logged of the decision on a call that passed.'
    : 'This was not decided on the rights of the key.';
}

/** Under the assumption, which is told, that the same secret is sent again. */
async function decideNow(
  ctx: CallContext,
  record: CallRecord,
  row: KeyRow,
  read: ReadDecision | null,
): Promise<z.input<typeof explanationView>['now']> {
  const input = read?.ok === true ? read.input : null;
  const sent = input?.matchedSecret ?? null;
  const isProven = record.workspaceId !== null;
  const matchedSecret = !isProven
    ? null
    : sent === null
      ? sentBefore(row, record.secretGeneration)
      : sameSecret(row, sent);
  const facts = read?.ok === true && read.whole ? read.input.facts : factsOf(record);
  const assumes = isProven
    ? 'the same call with the same secret, from the same place'
    : 'the same call with the same text as key, which was not proven';
  const decision = viewDecision(await presentInput(ctx, row, { facts, matchedSecret }));
  return { ...decision, assumes, configVersion: ctx.deps.snapshotSource.current().version };
}

/** The secret that was sent, as the key holds it now; null where it holds it no more. */
function sameSecret({ secrets }: KeyRow, sent: KeySecret): KeySecret | null {
  const { generation, createdAtMs, notAfterMs } = sent;
  if (generation !== undefined) return secrets.find((secret) => secret.generation === generation) ?? null;
  if (createdAtMs !== undefined) return secrets.find((secret) => secret.createdAtMs === createdAtMs) ?? null;
  return secrets.find((secret) => secret.notAfterMs === notAfterMs) ?? null;
}

function sentBefore(row: KeyRow, generation: number | null): KeySecret | null {
  return row.secrets.find((secret) => (secret.generation ?? 1) === generation) ?? currentSecret(row);
}

/** What the record tells of the call. */
function factsOf(record: CallRecord): RequestFacts {
  return {
    ...NO_FACTS,
    model: record.requestedModel,
    requestedModel: record.requestedModel,
    operation: record.operation,
    address: record.clientAddress,
    country: record.country,
    method: record.method,
    path: record.path,
    session: record.session,
    requestBytes: record.requestBytes,
  };
}
