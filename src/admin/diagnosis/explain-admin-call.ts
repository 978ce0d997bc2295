/** A refused admin call in the words of a refused call: what was asked, why not, and how it would go now. */
import type { z } from 'zod';
import { readDecision } from '../../keys/decision-log.ts';
import { fingerprintOf } from '../../keys/format.ts';
import type { AdminRefusalRow, AdminTokenRow } from '../access-stores.ts';
import { ENVIRONMENT, adminInput, adminRecordOf, principalOf } from '../admin-credential.ts';
import type { CallContext } from '../contract.ts';
import { iso } from '../fields.ts';
import { isPermission } from '../rbac.ts';
import { viewDecision } from './decision-view.ts';
import type { explanationView } from './explain-call.ts';
import { replay } from './explain-call.ts';
import { meaningOf } from './meanings.ts';

type Explanation = z.input<typeof explanationView>;

export async function explainAdminCall(ctx: CallContext, refusal: AdminRefusalRow): Promise<Explanation> {
  const { kid, method, path, address, status, code } = refusal;
  const row = await ctx.workspace.adminTokens.get(kid);
  const fingerprint = fingerprintOf({ type: 'kwa', environment: ENVIRONMENT, kid });
  const name = row === null ? '' : ` "${row.name}"`;
  const { means, todo } = meaningOf(code);
  const read = readDecision(refusal.decision);
  const needed = read.ok ? (read.input.permission?.needed ?? []) : [];
  return {
    requestId: refusal.requestId,
    at: iso(refusal.atMs),
    ...{ status, code },
    summary: `The admin token ${fingerprint}${name} asked ${method} ${path} from ${address}, and was answered ${status} ${code}.`,
    means: means.replaceAll('API key', 'admin token'),
    todo: [...todo],
    caller: {
      ...{ fingerprint, kid, address },
      name: row?.name ?? null,
      state: row?.state ?? null,
      ownerId: row?.ownerId ?? null,
      ...{ applicationId: null, applicationName: null, country: null, userAgent: null, session: null },
    },
    asked: { method, path, operation: null, model: null },
    upstream: null,
    configVersion: refusal.configVersion,
    ...replay(refusal, read),
    now: row === null ? null : await decideNow(ctx, refusal, row, needed),
  };
}

/** Under the assumption, which is told, that the same token is sent again. */
async function decideNow(
  { deps, workspace, nowMs }: CallContext,
  { method, path, address }: AdminRefusalRow,
  row: AdminTokenRow,
  needed: readonly string[],
): Promise<Explanation['now']> {
  const record = adminRecordOf(row, workspace.workspaceId);
  const secret = row.secrets[0] ?? null;
  const facts = { method, path, address, needed: needed.filter(isPermission) };
  if (secret === null) return null;
  const input = await adminInput(deps, { principal: principalOf(row), record, secret }, facts, nowMs);
  const decision = viewDecision(input);
  const assumes = 'the same call with the same token, from the same place';
  return { ...decision, assumes, configVersion: deps.snapshotSource.current().version };
}
