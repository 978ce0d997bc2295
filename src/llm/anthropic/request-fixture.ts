/** For tests: requests to Anthropic. */
import { BLANK_REQUEST } from '../request-fixture.ts';
import type { ChatRequest, Part, Turn } from '../canonical.ts';
import type { ModelTraits } from '../model-traits.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { anthropicProvider } from './provider-codec.ts';

/** A request of an OpenAI client that says nothing. */
export const EMPTY: ChatRequest = {
  ...BLANK_REQUEST,
  model: 'any',
  wantsStreamUsage: false,
  outputTokensMax: 10_000,
};

interface Written {
  readonly body: JsonRecord;
  readonly warnings: readonly string[];
}

/** The body of a request, and what was reported. */
export function write(request: Partial<ChatRequest>, traits: Partial<ModelTraits> = {}): Written {
  const report = new Report();
  const target = { name: 'claude', traits: { ...UNKNOWN_TRAITS, ...traits } };
  const body = anthropicProvider.writeChat({ ...EMPTY, ...request }, target, report);
  // As it goes over the wire.
  return {
    body: JSON.parse(JSON.stringify(body)) as JsonRecord,
    warnings: report.warnings.map(({ kind, field }) => `${kind} ${field}`),
  };
}

export const say = (role: Turn['role'], ...parts: readonly (Part | string)[]): Turn => ({
  role,
  parts: parts.map((part) => (typeof part === 'string' ? { kind: 'text', text: part } : part)),
});
export const call = (id: string, args = '{}'): Part => ({ kind: 'tool_call', id, name: 'f', arguments: args });
export const result = (callId: string, text: string): Part => ({
  kind: 'tool_result',
  callId,
  parts: [{ kind: 'text', text }],
  isError: false,
});
export const thinking = (of: 'anthropic' | 'gemini'): Part => ({
  kind: 'thinking',
  text: 'hm',
  signature: { of, value: 's' },
});
export const tool = (name: string) =>
  ({ kind: 'function', name, description: null, parameters: { type: 'object' }, strict: null }) as const;
