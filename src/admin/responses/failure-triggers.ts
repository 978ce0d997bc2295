import { createFailureWatch } from '../../watch/failure-watch.ts';
import type { FailureWatch } from '../../watch/failure-watch.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert } from '../raise-alert.ts';
import { createTriggerSink } from './raise-trigger.ts';

/** The detector of failures: fed with call records, it raises triggers in the workspaces of the keys. */
export function watchFailures(deps: AdminDeps): FailureWatch {
  const sink = createTriggerSink(deps);
  return createFailureWatch({
    rulesOf: (workspaceId) => deps.store.workspace(workspaceId).responseRules.all(),
    workspaceOf: async (kid) => (await deps.store.findKey(kid))?.workspaceId ?? null,
    raise: (finding) => sink.raiseTrigger(finding),
    onUnknownKeys: (network, count) => tellUnknownKeys(deps, network, count),
    onError: (error) => deps.log.error({ err: error }, 'failed calls could not be watched'),
  });
}

/** Whose keys were meant is not known: it is told to those who run the installation. */
async function tellUnknownKeys(deps: AdminDeps, network: string, count: number): Promise<void> {
  const message = `Out of the network ${network} came ${count} calls within ten minutes with keys that nobody has: someone guesses, or a program has the wrong keys. The gateway slows such callers down by itself; block the network in front of it if that is not enough.`;
  const subject = { subjectKind: 'network', subjectId: network } as const;
  await deps.store
    .workspace(deps.defaultWorkspaceId)
    .transaction((tx) =>
      raiseAlert(tx, { kind: 'unknown_keys_tried', severity: 'warning', ...subject, message }, deps.clock.now()),
    );
}
