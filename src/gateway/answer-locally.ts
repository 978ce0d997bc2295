import type { ListedModel } from '../llm/dialect.ts';
import { warningText } from '../llm/warning-text.ts';
import { mayCallModel } from '../keys/checks/index.ts';
import { inputFor } from '../keys/led-input.ts';
import { findAlias } from '../routing/alias-targets.ts';
import { decisionInput } from './admit.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { ModelRoute, ProbeRoute } from './routes.ts';
import { standingFor } from './standing.ts';
import { modelSinceMs, resolveModel } from './targets.ts';
import type { Target } from './targets.ts';
import { loadTranslation } from './translation.ts';

/** Liveness and readiness: no key, no record. A worker that is to stop is alive, but not ready. */
export function answerProbe(gateway: Gateway, call: Call, route: ProbeRoute): null {
  call.recorded = false;
  const ready = route.probe === 'healthz' || !gateway.draining;
  sendJson(call, ready ? 200 : 503, JSON.stringify({ status: ready ? 'ok' : 'draining' }));
  return null;
}

/** The models that this key may call, or the one of them that was asked for, in the caller's dialect. */
export function answerModels(gateway: Gateway, call: Call, name: string | null): Refusal | null {
  const models = callableModels(gateway, call);
  const model = name === null ? undefined : models.find(({ id }) => id === name);
  if (name !== null && model === undefined) return refusal('model_not_found');
  sendJson(call, 200, model === undefined ? call.dialect.modelsBody(models) : call.dialect.modelBody(model));
  call.complete = true;
  return null;
}

/** Tells the number of input tokens as an estimate where the provider counts none; else it has to be asked. */
export async function answerTokenEstimate(
  call: Call,
  route: ModelRoute,
  target: Target,
): Promise<Refusal | 'answered' | 'provider-counts'> {
  const { estimatedTokenCount, mustEstimateTokens } = await loadTranslation();
  if (!mustEstimateTokens(route, target)) return 'provider-counts';
  const text = estimatedTokenCount(call, route, target);
  if (text === null) return 'provider-counts';
  if (typeof text !== 'string') return text;
  call.target = target;
  sendJson(call, 200, text, ['x-keyward-warnings', warningText(call.warnings), ...target.answerHeaders]);
  call.complete = true;
  return 'answered';
}

function callableModels(gateway: Gateway, call: Call): ListedModel[] {
  const { workspace, key } = call;
  if (workspace === null || key === null) return [];
  const input = decisionInput(call, standingFor(gateway, call, key).standing, gateway.clock.now());
  const listed: ListedModel[] = [];
  const aliases = Object.keys(workspace.snapshot.aliases);
  for (const alias of aliases) {
    if (!alias.includes('*')) listed.push({ id: alias, provider: 'keyward' });
  }
  for (const provider of workspace.providers.values()) {
    for (const model of provider.snapshot.models) {
      listed.push({ id: `${provider.snapshot.id}/${model}`, provider: provider.snapshot.id });
    }
  }
  return listed.filter(({ id }) => {
    const sinceMs = modelSinceMs(workspace, id);
    const names = { model: id, requestedModel: id, modelSinceMs: sinceMs, requestedModelSinceMs: sinceMs };
    const named = { ...input, facts: { ...input.facts, ...names } };
    if (mayCallModel(named)) return true;
    if (findAlias(aliases, id) === null) return false;
    const { candidates } = resolveModel(workspace, call.dialect, id);
    return candidates.some((candidate) => mayCallModel(inputFor(named, candidate)));
  });
}

function sendJson(call: Call, status: number, text: string, more: readonly string[] = []): void {
  const body = Buffer.from(text);
  const headers = ['content-type', 'application/json', 'x-request-id', call.requestId, 'cache-control', 'no-store'];
  for (const part of more) headers.push(part);
  for (const part of call.keyHeaders) headers.push(part);
  call.status = status;
  call.firstByteAt = performance.now();
  call.responseBytes = body.length;
  call.inbound.respond(status, headers, body);
}
