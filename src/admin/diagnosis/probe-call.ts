/** A small real call of a model, in a dialect that its provider speaks. */
import type { ProviderSnapshot, WorkspaceSnapshot } from '../../config/snapshot.ts';
import { entryOf } from '../../keys/owners.ts';
import { modelFacts, providerOf } from '../model-facts.ts';

export interface ProbeCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const PROMPT = 'Answer with the one word: ok';
const MESSAGES = [{ role: 'user', content: PROMPT }];

const CALLS = {
  openai: (model: string) => call('/v1/chat/completions', { model, messages: MESSAGES }),
  anthropic: (model: string) => ({
    ...call('/v1/messages', { model, max_tokens: 16, messages: MESSAGES }),
    headers: { 'anthropic-version': '2023-06-01' },
  }),
  gemini: (model: string) =>
    call(`/v1beta/models/${encodeURI(model)}:generateContent`, {
      contents: [{ role: 'user', parts: [{ text: PROMPT }] }],
    }),
  'openai-responses': (model: string) => call('/v1/responses', { model, input: PROMPT }),
} satisfies Partial<Record<keyof ProviderSnapshot['endpoints'], (model: string) => ProbeCall>>;

type Dialect = keyof typeof CALLS;

function call(path: string, body: object): ProbeCall {
  return { path, headers: {}, body: JSON.stringify(body) };
}

/** The call for a model or alias; null where no provider of it is there. */
export function probeCallOf(workspace: WorkspaceSnapshot, name: string): ProbeCall | null {
  const { model } = modelFacts(workspace, name);
  const provider = entryOf(workspace.providers, providerOf(model ?? ''));
  if (provider === null) return null;
  const dialects = Object.keys(CALLS) as Dialect[];
  // A provider that answers in this process speaks every dialect and has no endpoints.
  const dialect = dialects.find((each) => provider.endpoints[each] !== undefined) ?? dialects[0];
  return dialect === undefined ? null : CALLS[dialect](name);
}

/** Of several models the one to try: one that costs nothing, where there is one. */
export function cheapestOf(workspace: WorkspaceSnapshot, names: readonly string[]): string | null {
  const free = names.find((name) => {
    const provider = entryOf(workspace.providers, providerOf(modelFacts(workspace, name).model ?? ''));
    return provider?.transport === 'in-process';
  });
  return free ?? names[0] ?? null;
}
