import type { Call } from './call.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { Route } from './routes.ts';
import { passthroughTarget, resolveModel } from './targets.ts';
import type { Target } from './targets.ts';

/** What the caller's model name stands for. Told apart from the verdict: a denied key does not learn what exists. */
export function chooseTarget(call: Call, route: Route): Target | Refusal {
  const { workspace } = call;
  if (workspace === null) return refusal('workspace_disabled');
  if (route.kind === 'passthrough') {
    return passthroughTarget(
      workspace,
      route.providerId,
      call.reading === null ? null : call.dialect,
      passthroughModel(call),
    );
  }
  if (call.requestedModel === null) return refusal('model_missing');
  return resolveModel(workspace, call.dialect, call.requestedModel).target;
}

function passthroughModel(call: Call): string | null {
  if (call.reading === null || call.requestedModel === null) return null;
  return call.requestedModel.slice(call.requestedModel.indexOf('/') + 1);
}
