import type { WorkspaceSnapshot } from '../../config/snapshot.ts';
import type { DecisionInput, RequestFacts } from '../../keys/decision-input.ts';
import type { KeySecret } from '../../keys/key-record.ts';
import { prepareKey } from '../../keys/prepare.ts';
import type { ProvenDelegation } from '../../keys/proven-delegation.ts';
import { signingSecret } from '../../keys/proven-delegation.ts';
import { standingOf, withDelegated } from '../../keys/standing.ts';
import type { CallContext } from '../contract.ts';
import { readAncestors, recordOf } from '../known-keys.ts';
import { ledByAlias, modelFacts } from '../model-facts.ts';
import type { KeyRow } from '../stores.ts';

/** What a call with the key would be decided on now. Its limits are read, nothing is counted. */
export async function presentInput(
  ctx: CallContext,
  row: KeyRow,
  call: {
    readonly facts: RequestFacts;
    readonly matchedSecret: KeySecret | null;
    /** What its holder signed, where that is what is asked about: it stands for the secret. */
    readonly delegated?: ProvenDelegation | null;
  },
): Promise<DecisionInput> {
  const record = recordOf(row, ctx.workspace.workspaceId);
  const workspace = workspaceNow(ctx);
  const { facts, delegated = null } = call;
  // Below a provider's own path no alias counts.
  const naming = workspace !== null && facts.path.startsWith('/providers/') ? { ...workspace, aliases: {} } : workspace;
  const ofKey = standingOf(prepareKey(record), await readAncestors(ctx.workspace, row), workspace);
  const standing = delegated === null ? ofKey : withDelegated(ofKey, delegated.claims);
  const input: DecisionInput = {
    standing,
    matchedSecret: delegated === null ? call.matchedSecret : signingSecret(record),
    expectedEnvironment: null,
    delegation: delegated?.finding ?? null,
    facts: { ...facts, ...modelFacts(naming, facts.requestedModel ?? facts.model) },
    limits: ctx.deps.keyLimits.bind(standing).read(ctx.nowMs),
    nowMs: ctx.nowMs,
  };
  return ledByAlias(input, naming);
}

/** The workspace as the data plane has it; null where it is in no snapshot. */
export function workspaceNow({ deps, workspace }: CallContext): WorkspaceSnapshot | null {
  return deps.snapshotSource.current().workspaces[workspace.workspaceId] ?? null;
}

export function currentSecret({ secrets }: KeyRow): KeySecret | null {
  return secrets.find(({ state }) => state === 'current') ?? null;
}
