/** What is answered and kept of an admin call whose token was proven, and that was refused. */
import { ERRORS } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { DecisionInput } from '../keys/decision-input.ts';
import { writeDecision } from '../keys/decision-log.ts';
import type { AdminCredential, AdminFacts } from './admin-credential.ts';
import type { AdminDeps } from './ports.ts';

/** So many refusals of one token are kept; older ones make room. */
const KEPT_MAX = 200;

/** Keeps why a call was refused, for whoever asks by its request id. Only tokens that were proven get here. */
export async function keepRefusal(
  deps: AdminDeps,
  { row, workspaceId }: AdminCredential,
  { code, input, requestId }: { readonly code: ErrorCode; readonly input: DecisionInput; readonly requestId: string },
): Promise<void> {
  if (row === null) return;
  const { method, path, address } = input.facts;
  await deps.store.workspace(workspaceId).adminRefusals.insert(
    {
      ...{ requestId, kid: row.kid, atMs: input.nowMs, method, path, address: address ?? '' },
      ...{ status: ERRORS[code].status, code },
      decision: writeDecision(input),
      configVersion: deps.snapshotSource.current().version,
    },
    KEPT_MAX,
  );
}

/** The reason, for whoever proved the token. */
export function refusalDetail(code: ErrorCode, { permission }: DecisionInput, { needed }: AdminFacts): string {
  const [first] = permission?.missing ?? [];
  if (code !== 'forbidden' || first === undefined) return ERRORS[code].title.replaceAll('API key', 'admin token');
  return first === needed[0]
    ? `This admin token does not have the permission that this needs: ${first}.`
    : `This admin token may not use x-keyward-workspace: it does not have the permission ${first}.`;
}
